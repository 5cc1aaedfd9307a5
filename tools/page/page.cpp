// SPDX-License-Identifier: MIT
#include "page.h"

#include <fmt/format.h>

namespace norma {

namespace {

// Colours lie between light and dark; those of lines, .s0 and on, are told apart by whoever sees few colours too.
const char *const style =
    ":root { color-scheme: light dark; }\n"
    "body { font: 14px sans-serif; margin: 2em; } svg { margin: 8px 0; vertical-align: top; max-width: 100%; height: "
    "auto; } svg text { font-size: "
    "11px; fill: currentColor; }\n"
    "td, th { text-align: left; padding: 2px 12px 2px 0; font-family: monospace; font-size: 12px; }\n"
    "summary { margin: 6px 0; font-family: monospace; cursor: pointer; } details { margin-left: 1em; }\n"
    "pre { overflow-x: auto; } table { display: block; overflow-x: auto; } code, summary { overflow-wrap: anywhere; }\n"
    "rect { fill: #c96; } .Norma { fill: #e8590c; } .hand-written { fill: #868e96; } .copy { fill: #999; } .default { "
    "fill: #77a; } .winner { fill: #2a7; } .best { fill: #aa6; "
    "}\n"
    "polyline { fill: none; stroke-width: 2; } .grid { stroke: #999; stroke-opacity: 0.25; } .one { stroke: #999; }\n"
    ".s0 { stroke: #e8590c; fill: #e8590c; } .s1 { stroke: #868e96; fill: #868e96; } .s2 { stroke: #1c7ed6; fill: "
    "#1c7ed6; }\n"
    "circle { fill-opacity: 0.5; } .middle { text-anchor: middle; } .end { text-anchor: end; }\n";

}  // namespace

std::string escaped(const std::string &text) {
    std::string safe;
    for (char c : text) {
        const bool control = c != '\n' && (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~');
        safe += c == '&'   ? "&amp;"
                : c == '<' ? "&lt;"
                : c == '>' ? "&gt;"
                : c == '"' ? "&quot;"
                : control  ? "?"
                           : std::string(1, c);
    }
    return safe;
}

std::string page(const std::string &title, const std::string &body) {
    return fmt::format(
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\"><head><meta charset=\"utf-8\"/>"
        "<meta name=\"viewport\" content=\"width=device-width\"/>"
        "<title>{0}</title><style>\n{1}</style></head><body>\n<h1>{0}</h1>\n{2}</body></html>\n",
        escaped(title), style, body);
}

std::string preformatted(const std::string &title, const std::string &text) {
    return text.empty() ? "" : fmt::format("<h3>{}</h3>\n<pre>{}</pre>\n", title, escaped(text));
}

}  // namespace norma
