"""The simulated robot: a MuJoCo plant behind imperfect sensors and motion capture."""
