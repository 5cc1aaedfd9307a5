# libfmt from its headers, for whatever is compiled and wherever it runs.
find_file(NORMA_FMT fmt/format-inl.h REQUIRED)
add_library(norma_fmt STATIC ${PROJECT_SOURCE_DIR}/tools/base/fmt.cpp)
