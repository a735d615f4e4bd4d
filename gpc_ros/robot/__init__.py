"""The Go2: joint order, limits, models, kinematics, and the records shared by all packages."""
