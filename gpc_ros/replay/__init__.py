"""Load recorded runs as arrays, play bags and replay planning cycles bit for bit."""
