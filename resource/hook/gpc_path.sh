# Put gpc on PATH; colcon reads gpc_path.dsv instead where it can.
_colcon_prepend_unique_value PATH "$COLCON_CURRENT_PREFIX/share/gpc_ros/bin"
