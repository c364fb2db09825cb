# Finds the C++ Actor Framework of Debian, which brings neither a CMake config nor a pkg-config file.
#
#   find_package(CAF 0.17.5 REQUIRED COMPONENTS core io [openssl])
#
# Gives CAF_VERSION and one imported target a component: CAF::core, CAF::io, CAF::openssl. CAF 0.18
# renamed half of the interface, so a version from there on counts as not found.
find_path(CAF_INCLUDE_DIR NAMES caf/config.hpp)
mark_as_advanced(CAF_INCLUDE_DIR)

set(CAF_VERSION "")
if(CAF_INCLUDE_DIR)
  # CAF_VERSION is one number, major * 10000 + minor * 100 + patch: 1706 means 0.17.6.
  file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp version_line REGEX "^#define CAF_VERSION [0-9]+")
  if(version_line MATCHES "([0-9]+)$")
    set(number ${CMAKE_MATCH_1})
    math(EXPR major "${number} / 10000")
    math(EXPR minor "${number} / 100 % 100")
    math(EXPR patch "${number} % 100")
    set(CAF_VERSION ${major}.${minor}.${patch})
  endif()
endif()

foreach(component IN LISTS CAF_FIND_COMPONENTS)
  find_library(CAF_${component}_LIBRARY NAMES caf_${component})
  mark_as_advanced(CAF_${component}_LIBRARY)
  if(CAF_${component}_LIBRARY AND CAF_INCLUDE_DIR)
    set(CAF_${component}_FOUND TRUE)
    if(NOT TARGET CAF::${component})
      add_library(CAF::${component} UNKNOWN IMPORTED)
      set_target_properties(CAF::${component} PROPERTIES
        IMPORTED_LOCATION ${CAF_${component}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR})
    endif()
  endif()
endforeach()
foreach(component io openssl)
  if(TARGET CAF::${component} AND TARGET CAF::core)
    set_property(TARGET CAF::${component} PROPERTY INTERFACE_LINK_LIBRARIES CAF::core)
  endif()
endforeach()

set(CAF_usable_version ${CAF_VERSION})
if(CAF_VERSION VERSION_GREATER_EQUAL 0.18)
  set(CAF_usable_version "")
  set(reason REASON_FAILURE_MESSAGE "version ${CAF_VERSION} is not understood yet, maze needs 0.17.5 to 0.17.x")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF REQUIRED_VARS CAF_INCLUDE_DIR CAF_usable_version
  VERSION_VAR CAF_VERSION HANDLE_COMPONENTS ${reason})
