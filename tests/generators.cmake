# Tests of what runs on the machine that compiles: normagen and the passes, and a library with a Halide runtime of its own.
norma_test(toy_op_test SOURCES toy_op_test.cpp ../runtime/src/streaming.cpp LINK norma_generators)
target_include_directories(toy_op_test PRIVATE ../runtime/include ../runtime/src/${NORMA_ARCHITECTURE})
set_target_properties(toy_op_test PROPERTIES ENABLE_EXPORTS ON)  # JIT-compiled code calls into it

norma_test(normagen_test SOURCES normagen_test.cpp manifest_test.cpp target_file_test.cpp LINK nlohmann_json::nlohmann_json)
add_dependencies(normagen_test normagen)

add_test(NAME adding_a_target COMMAND ${PROJECT_SOURCE_DIR}/tests/check_adding_a_target ${PROJECT_SOURCE_DIR})
set_tests_properties(adding_a_target PROPERTIES DISABLED "$<BOOL:${NORMA_SANITIZED}>")

add_executable(neighbour_generator neighbour_generator.cpp)
target_link_libraries(neighbour_generator PRIVATE halide)
add_custom_command(OUTPUT neighbour.a COMMAND neighbour_generator ${CMAKE_CURRENT_BINARY_DIR}/neighbour DEPENDS neighbour_generator)
norma_test(neighbour_test SOURCES neighbour_test.cpp neighbour.a LINK norma halide_headers ${CMAKE_CURRENT_BINARY_DIR}/neighbour.a)
