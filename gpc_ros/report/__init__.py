"""The HTML report and the video of a recorded run."""
