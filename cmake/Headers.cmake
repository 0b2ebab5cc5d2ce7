# Precompiled headers: what nearly every source includes, compiled once. Saves half of the time that a test's compilation
# takes, a third of the others'. Headers must stand alone all the same, which tests/layers checks.
set(RB_HEADERS <algorithm> <functional> <map> <memory> <mutex> <set> <span> <thread> <unordered_map> <fmt/format.h>)

function(rb_precompiled_headers name)
  cmake_parse_arguments(P "" "" "LINK;OPTIONS;HEADERS" ${ARGN})
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${name}.cc CONTENT "")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cc)
  target_compile_options(${name} PRIVATE ${P_OPTIONS})
  target_link_libraries(${name} PRIVATE rb_options fmt::fmt ${P_LINK})
  target_precompile_headers(${name} PRIVATE ${RB_HEADERS} ${P_HEADERS})
endfunction()

rb_precompiled_headers(rb_headers)
if(RB_BUILD_TESTS)
  rb_precompiled_headers(rb_test_headers OPTIONS -O0 LINK GTest::gtest GTest::gmock ${RB_RAPIDCHECK}
                         HEADERS <filesystem> <fstream> <random> <gmock/gmock.h> <gtest/gtest.h> <rapidcheck.h>)
endif()
