"""The 500 Hz control core and the interface of its drivers."""
