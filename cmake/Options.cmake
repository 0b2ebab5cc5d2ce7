# Compiler flags shared by every target of ours.
find_package(Threads REQUIRED)

add_library(rb_options INTERFACE)
target_compile_options(rb_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                                            -Wno-missing-field-initializers)
if(RB_WARNINGS_ARE_ERRORS)
  target_compile_options(rb_options INTERFACE -Werror)
endif()
target_compile_definitions(rb_options INTERFACE RB_VERSION="${PROJECT_VERSION}" _FILE_OFFSET_BITS=64)
target_link_libraries(rb_options INTERFACE Threads::Threads)

if(RB_SANITIZE)
  add_compile_options(-fsanitize=${RB_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RB_SANITIZE})
endif()
if(RB_FUZZ)
  # Every object is instrumented for coverage; only the fuzz targets link libFuzzer's main.
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
