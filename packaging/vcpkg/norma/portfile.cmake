# The library of a manifest, compiled by the normagen that is on PATH. A triplet may set NORMA_MANIFEST, the path of another one
# than normagen's minimal.json, and NORMA_TARGETS, as of normagen bundle.
find_program(NORMAGEN normagen REQUIRED)
if(NOT NORMA_MANIFEST)
    file(REAL_PATH ${NORMAGEN} program)
    cmake_path(GET program PARENT_PATH bin)
    set(NORMA_MANIFEST ${bin}/../share/norma/manifests/minimal.json)
endif()
if(NOT NORMA_TARGETS)
    set(NORMA_TARGETS all)
endif()
set(shared "")
if(VCPKG_LIBRARY_LINKAGE STREQUAL "dynamic")
    set(shared --shared)
endif()

set(bundle ${CURRENT_BUILDTREES_DIR}/bundle)
file(MAKE_DIRECTORY ${CURRENT_BUILDTREES_DIR})
vcpkg_execute_required_process(
    COMMAND ${NORMAGEN} bundle --manifest ${NORMA_MANIFEST} --targets ${NORMA_TARGETS} ${shared} --out ${bundle}
    WORKING_DIRECTORY ${CURRENT_BUILDTREES_DIR}
    LOGNAME bundle)
file(INSTALL ${bundle}/include ${bundle}/lib ${bundle}/share DESTINATION ${CURRENT_PACKAGES_DIR})
if(EXISTS ${bundle}/bin/norma)
    file(INSTALL ${bundle}/bin/norma DESTINATION ${CURRENT_PACKAGES_DIR}/tools/norma USE_SOURCE_PERMISSIONS)
endif()

set(VCPKG_BUILD_TYPE release)  # kernels have no other
set(VCPKG_POLICY_MISMATCHED_NUMBER_OF_BINARIES enabled)
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/norma)
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(FILE_LIST ${bundle}/share/norma/LICENSE ${bundle}/share/norma/NOTICE)
