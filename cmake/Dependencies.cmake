# Libraries from the distribution, each wrapped in a target whose name starts with rb_dep_.
find_package(PkgConfig REQUIRED)
find_package(fmt REQUIRED)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(ISAL REQUIRED IMPORTED_TARGET libisal)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(SYSTEMD REQUIRED IMPORTED_TARGET libsystemd)
find_package(OpenSSL REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(Boost 1.81 REQUIRED)

# RocksDB as an archive: loading it as a shared library takes 4 ms of each start of the client, which needs it for
# file: addresses alone.
find_library(RB_ROCKSDB_ARCHIVE librocksdb.a REQUIRED)
add_library(rb_dep_rocksdb INTERFACE)
target_link_libraries(rb_dep_rocksdb INTERFACE ${RB_ROCKSDB_ARCHIVE} snappy gflags z bz2 lz4 PkgConfig::ZSTD)

if(RB_BUILD_TESTS)
  find_package(GTest REQUIRED)
  find_library(RB_RAPIDCHECK rapidcheck REQUIRED)
endif()
