# A folder of src/ is a library is a namespace. rb_layer() builds src/<name> into rb_<name> and lets it see the
# headers of the layers it names, and of no other: each library gets an include directory that holds only its own
# folder, so that including a header from a layer that was not named does not compile.
#
#   rb_layer(backup PUBLIC base format tree store_interface PRIVATE chunk LIBS PkgConfig::ZSTD)
#
# Sources are *.cc except *_test.cc, *_main.cc; the *_test.cc beside them become the program <name>_tests.
function(rb_layer_headers name)
  set(view ${CMAKE_BINARY_DIR}/layers/${name})
  file(MAKE_DIRECTORY ${view})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/src/${name} ${view}/${name} SYMBOLIC)
  set(RB_VIEW ${view} PARENT_SCOPE)
endfunction()

function(rb_layer name)
  cmake_parse_arguments(L "" "" "PUBLIC;PRIVATE;LIBS;TEST_LAYERS" ${ARGN})
  rb_layer_headers(${name})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${name}/*.cc)
  set(tests ${sources})
  list(FILTER sources EXCLUDE REGEX "(_test|_main|_fuzz)\\.cc$")
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(TRANSFORM L_PUBLIC PREPEND rb_)
  list(TRANSFORM L_PRIVATE PREPEND rb_)
  if(sources)
    add_library(rb_${name} STATIC ${sources})
    target_include_directories(rb_${name} PUBLIC ${RB_VIEW})
    target_link_libraries(rb_${name} PUBLIC rb_options ${L_PUBLIC} PRIVATE ${L_PRIVATE} ${L_LIBS})
    target_precompile_headers(rb_${name} REUSE_FROM rb_headers)
  else()
    add_library(rb_${name} INTERFACE)
    target_include_directories(rb_${name} INTERFACE ${RB_VIEW})
    target_link_libraries(rb_${name} INTERFACE rb_options ${L_PUBLIC} ${L_PRIVATE} ${L_LIBS})
  endif()
  if(RB_BUILD_TESTS AND tests)
    list(TRANSFORM L_TEST_LAYERS PREPEND rb_)
    rb_test_program(${name}_tests SOURCES ${tests} LINK rb_${name} ${L_PRIVATE} ${L_TEST_LAYERS} ${L_LIBS})
  endif()
endfunction()

# A GoogleTest program whose cases ctest runs one by one, in parallel. The tests themselves are compiled without
# optimisation, which takes half the time (a third under sanitizers); what they test is optimised. OPTIMIZED is for
# those that compute much themselves. The target test_programs builds all of them. Their time is bounded against hanging
# alone: a slow machine under load takes ten times what a fast one does.
#
# A sanitized program takes longer to start than most cases to run, so that it runs a part of them each time; how many
# there were stands in its report below reports/.
add_custom_target(test_programs)
set(RB_TEST_SECONDS_MAX 1200)
set(RB_SANITIZED_PARTS 6)
function(rb_test_program target)
  cmake_parse_arguments(T "OPTIMIZED" "" "SOURCES;LINK" ${ARGN})
  add_executable(${target} ${T_SOURCES})
  if(NOT T_OPTIMIZED)
    target_compile_options(${target} PRIVATE -O0)
    target_precompile_headers(${target} REUSE_FROM rb_test_headers)
  endif()
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${T_LINK} rb_options GTest::gtest GTest::gmock GTest::gtest_main
                                          ${RB_RAPIDCHECK})
  add_dependencies(test_programs ${target})
  if(RB_SANITIZE)
    rb_test_parts(${target})
  else()
    include(GoogleTest)
    gtest_discover_tests(${target} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 300
                         PROPERTIES TIMEOUT ${RB_TEST_SECONDS_MAX})
  endif()
endfunction()

function(rb_test_parts target)
  math(EXPR last "${RB_SANITIZED_PARTS} - 1")
  foreach(part RANGE ${last})
    add_test(NAME ${target}.${part} COMMAND ${target})
    set_tests_properties(${target}.${part} PROPERTIES TIMEOUT ${RB_TEST_SECONDS_MAX} ENVIRONMENT
      "GTEST_TOTAL_SHARDS=${RB_SANITIZED_PARTS};GTEST_SHARD_INDEX=${part};GTEST_BRIEF=1;GTEST_OUTPUT=xml:${CMAKE_BINARY_DIR}/reports/${target}.${part}.xml")
  endforeach()
endfunction()
