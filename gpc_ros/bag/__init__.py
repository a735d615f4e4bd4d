"""Reading, writing, recording and exporting rosbag2 bags."""
