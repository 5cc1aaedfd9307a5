// SPDX-License-Identifier: MIT
#include "plots.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "page.h"

namespace norma {

namespace {

// Where things are in a chart.
struct Frame {
    double left, right, top, bottom, last_x, low, high;
    bool logarithmic;

    double x(double at) const { return left + 16 + at / last_x * (right - left - 32); }
    double y(double value) const {
        const auto scaled = [this](double v) { return logarithmic ? std::log(v) : v; };
        const double share = (scaled(std::min(value, high)) - scaled(low)) / (scaled(high) - scaled(low));
        return bottom - share * (bottom - top);
    }
};

// Some six of them between the ends.
std::vector<double> round_numbers(double low, double high) {
    const double span = high - low, power = std::pow(10, std::floor(std::log10(span)) - 1);
    double step = power;
    for (const double times : {2, 5, 10, 20}) {
        step = span / step > 6 ? times * power : step;
    }
    std::vector<double> values;
    const long first = std::lround(std::ceil(low / step)), last = std::lround(std::floor(high / step));
    for (long n = first; n <= last; n++) {
        values.push_back(static_cast<double>(n) * step);
    }
    return values;
}

std::vector<double> ticks(const Frame &frame) {
    std::vector<double> values;
    if (frame.logarithmic) {
        const double span = frame.high / frame.low;
        const std::vector<double> digits = span < 2
                                               ? std::vector<double>{1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 4, 5, 6, 7, 8, 9}
                                           : span < 4   ? std::vector<double>{1, 1.5, 2, 3, 5, 7}
                                           : span < 100 ? std::vector<double>{1, 2, 5}
                                                        : std::vector<double>{1};
        for (auto decade = std::lround(std::floor(std::log10(frame.low))); std::pow(10, decade) <= frame.high;
             decade++) {
            for (const double digit : digits) {
                const double value = digit * std::pow(10, decade);
                if (value >= frame.low && value <= frame.high) {
                    values.push_back(value);
                }
            }
        }
        return values;
    }
    return round_numbers(frame.low, frame.high);
}

Frame frame_of(const Chart &chart) {
    const bool slanted = chart.x_labels.size() > 5;
    Frame frame = {58, chart.width - 20, 34, chart.height - (slanted ? 84 : 42), 1, 1, 1, chart.logarithmic};
    frame.last_x = std::max(1.0, static_cast<double>(chart.x_labels.size()) - 1);
    for (const Series &series : chart.series) {
        for (const auto &[x, y] : series.points) {
            frame.low = std::min(frame.low, y);
            frame.high = std::max(frame.high, std::min(y, chart.most));
            frame.last_x = std::max(frame.last_x, x);
        }
    }
    frame.high *= 1.05;
    frame.low *= 0.95;
    return frame;
}

std::string axes(const Chart &chart, const Frame &frame) {
    std::string text = fmt::format(
        "<text x=\"{0}\" y=\"12\">{1}</text><text class=\"middle\" x=\"{2:.1f}\" y=\"{3}\">{4}</text>"
        "<text class=\"middle\" transform=\"translate(12 {5:.1f}) rotate(-90)\">{6}</text>",
        frame.left, escaped(chart.title), (frame.left + frame.right) / 2, chart.height - 6, escaped(chart.x_title),
        (frame.top + frame.bottom) / 2, escaped(chart.y_title));
    const auto across = [&](const char *kind, double value) {
        text += fmt::format("<line class=\"{0}\" x1=\"{1}\" x2=\"{2}\" y1=\"{3:.1f}\" y2=\"{3:.1f}\"/>", kind,
                            frame.left, frame.right, frame.y(value));
    };
    for (const double value : ticks(frame)) {
        across("grid", value);
        text += fmt::format("<text class=\"end\" x=\"{}\" y=\"{:.1f}\">{:.4g}</text>", frame.left - 6,
                            frame.y(value) + 4, value);
    }
    across("one", 1);
    for (const double value : chart.x_labels.empty() ? round_numbers(0, frame.last_x) : std::vector<double>()) {
        text += fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{:.4g}</text>", frame.x(value),
                            frame.bottom + 16, value);
    }
    for (size_t i = 0; i < chart.x_labels.size(); i++) {
        const double x = frame.x(static_cast<double>(i)), y = frame.bottom + 16;
        text += chart.x_labels.size() > 5
                    ? fmt::format("<text class=\"end\" transform=\"translate({:.1f} {:.1f}) rotate(-45)\">{}</text>",
                                  x + 4, y - 2, escaped(chart.x_labels[i]))
                    : fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>", x, y,
                                  escaped(chart.x_labels[i]));
    }
    return text;
}

// Shrinks with the page.
std::string opening(double width, double height, const std::string &name) {
    return fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\" "
        "aria-label=\"{2}\">",
        width, height, escaped(name));
}

}  // namespace

std::string chart(const Chart &chart) {
    const Frame frame = frame_of(chart);
    std::string text = opening(chart.width, chart.height, chart.title) + axes(chart, frame);
    double legend_x = frame.left;
    for (size_t i = 0; i < chart.series.size(); i++) {
        const auto &[name, points] = chart.series[i];
        std::string path, dots;
        for (const auto &[x, y] : points) {
            path += fmt::format("{:.1f},{:.1f} ", frame.x(x), frame.y(y));
            dots += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>", frame.x(x), frame.y(y));
        }
        text += fmt::format("<g class=\"s{}\">", i);
        text += chart.lines ? fmt::format("<polyline points=\"{}\"/>", path) : "";
        text += chart.lines && chart.x_labels.empty() ? "" : dots;
        if (!name.empty()) {
            text += fmt::format("<rect class=\"s{}\" x=\"{:.0f}\" y=\"19\" width=\"14\" height=\"4\"/>", i, legend_x);
        }
        text += "</g>";
        if (!name.empty()) {
            text += fmt::format("<text x=\"{:.0f}\" y=\"25\">{}</text>", legend_x + 18, escaped(name));
            legend_x += 34 + 7 * static_cast<double>(name.size());
        }
    }
    return text + "</svg>\n";
}

std::string bar_chart(const std::string &axis, const std::vector<Bar> &bars, double mark) {
    constexpr double letter = 7, longest = 190, step = 16;
    double most = mark;
    size_t letters = 0;
    for (const Bar &bar : bars) {
        most = std::max(most, bar.value);
        letters = std::max(letters, bar.label.size() + bar.kind.size() + 1);
    }
    const double left = letter * static_cast<double>(letters),
                 width = std::max(left + longest + 50, letter * static_cast<double>(axis.size()));
    const double height = step * (double)bars.size() + 28;
    std::string text = opening(width, height, axis) + fmt::format("<text class=\"end\" x=\"{}\" y=\"{:.0f}\">{}</text>",
                                                                  width - 2, height - 6, escaped(axis));
    double y = 4;
    for (const Bar &bar : bars) {
        const double length = bar.value / most * longest;
        text += fmt::format(
            "<text x=\"2\" y=\"{:.0f}\">{} {}</text><rect class=\"{}\" x=\"{}\" y=\"{:.0f}\" width=\"{:.1f}\" "
            "height=\"12\"/><text x=\"{:.1f}\" y=\"{:.0f}\">{:.{}f}</text>",
            y + 10, escaped(bar.label), escaped(bar.kind), escaped(bar.kind), left, y, length, left + length + 6,
            y + 10, bar.value, bar.value < 10 ? 2 : 1);
        y += step;
    }
    if (mark != 0) {
        const double x = left + mark / most * longest;
        text += fmt::format("<line class=\"one\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1:.0f}\"/>", x, y);
    }
    return text + "</svg>\n";
}

}  // namespace norma
