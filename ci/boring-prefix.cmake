# BoringSSL and OpenSSL share symbol names. In this workspace BoringSSL's get a prefix, so that one
# program can hold both. Read by CMake through CMAKE_TOOLCHAIN_FILE_… in .cargo/config.toml; not
# forced, since other C libraries that are built here bring their own prefix.
set(BORINGSSL_PREFIX "tlsb" CACHE STRING "symbol prefix")
