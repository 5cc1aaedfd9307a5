// SPDX-License-Identifier: MIT
#pragma once

#include "process.h"

// The page is XML, and loads nothing.
inline std::string check_page(const std::string &path) {
    const Result parsed =
        shell("python3 -c \"import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])\" " + path);
    INFO(parsed.err);
    CHECK(parsed.status == 0);
    const std::string page = read(path);
    for (const char *load : {"src=", "href=", "url(", "@import", "<script"}) {
        CHECK_FALSE(contains(page, load));
    }
    return page;
}
