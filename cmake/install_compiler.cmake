# The component "compiler": normagen, and in share/norma, where it looks, what it reads and what a bundle is built from,
# laid out as in the sources. The tree may be moved.
set(data share/norma)
set(halide_directory ${CMAKE_INSTALL_LIBDIR}/norma)
file(RELATIVE_PATH to_halide /${CMAKE_INSTALL_BINDIR} /${halide_directory})
set_target_properties(normagen PROPERTIES INSTALL_RPATH "\$ORIGIN/${to_halide}")
install(TARGETS normagen norma_measure RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT compiler)
install(FILES ${NORMA_HALIDE_ROOT}/lib64/libHalide.so DESTINATION ${halide_directory} COMPONENT compiler)

if(TARGET norma_tool_object)
    install(FILES ${PROJECT_BINARY_DIR}/lib/norma/norma_tool.o DESTINATION ${halide_directory} COMPONENT compiler)
endif()

install(FILES CMakeLists.txt LICENSE NOTICE DESTINATION ${data} COMPONENT compiler)
install(DIRECTORY adapters cmake manifests python runtime DESTINATION ${data} COMPONENT compiler PATTERN __pycache__ EXCLUDE)
install(DIRECTORY schedules/targets schedules/records DESTINATION ${data}/schedules COMPONENT compiler)
file(GLOB runtime_headers ${NORMA_HALIDE_ROOT}/include/HalideRuntime*.h)
install(FILES ${runtime_headers} DESTINATION ${data}/halide/include COMPONENT compiler)
file(GLOB licence ${NORMA_HALIDE_ROOT}/../halide-*.dist-info/licenses/LICENSE.txt)
install(FILES ${licence} DESTINATION ${data}/halide COMPONENT compiler)
install(CODE "execute_process(COMMAND \"${CMAKE_STRIP}\" --strip-debug
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/normagen\"
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/norma_measure\" COMMAND_ERROR_IS_FATAL ANY)"
    COMPONENT compiler)
