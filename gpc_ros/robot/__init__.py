"""The Go2: joint order, limits, models, kinematics, and the records that flow between rooms."""
