# Mends two defects of the ROS 2 wheels; only the pip build includes this file.

# 1. ament looks up its resources along AMENT_PREFIX_PATH, which the wheels do not set: it is the
#    prefix that they are installed in.
execute_process(
  COMMAND "${Python3_EXECUTABLE}" -c
    "import pathlib, rosidl_adapter; print(pathlib.Path(rosidl_adapter.__file__).parents[4])"
  OUTPUT_VARIABLE _prefix OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(ENV{AMENT_PREFIX_PATH} "${_prefix}")
list(PREPEND CMAKE_PREFIX_PATH "${_prefix}")

# 2. Their imported targets name include folders of the machine that they were built on. CMake
#    refuses a target with a missing folder, so drop those once all targets are known.
function(_drop_missing_include_directories)
  get_property(_targets DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(_target IN LISTS _targets)
    get_target_property(_folders ${_target} INTERFACE_INCLUDE_DIRECTORIES)
    if(_folders)
      set(_present "")
      foreach(_folder IN LISTS _folders)
        if(_folder MATCHES "\\$<" OR EXISTS "${_folder}")
          list(APPEND _present "${_folder}")
        endif()
      endforeach()
      set_target_properties(${_target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_present}")
    endif()
  endforeach()
endfunction()
cmake_language(DEFER CALL _drop_missing_include_directories)
