// SPDX-License-Identifier: MIT
#include "schema_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <regex>
#include <stdexcept>

#include "record_schema.h"
#include "tools/base/json_text.h"
#include "tools/base/text.h"

namespace norma {

using nlohmann::json;

namespace {

// The keywords of JSON Schema that schema.json uses. The first fault ends the check, so that what follows may rely on
// it.
class Checker {
public:
    explicit Checker(const json &root) : root_(root) {}

    void check(const json &value, const json &given, const std::string &where) const {
        const json &schema = given.contains("$ref") ? resolved(given.at("$ref")) : given;
        check_type(value, schema, where);
        if (value.is_number()) {
            check_number(value, schema, where);
        } else if (value.is_string()) {
            check_string(value, schema, where);
        } else if (value.is_array()) {
            check_list(value, schema, where);
        } else if (value.is_object()) {
            check_object(value, schema, where);
        }
    }

private:
    [[noreturn]] static void fail(const json &value, const std::string &where, const std::string &expected) {
        throw std::invalid_argument(
            fmt::format("{} is {}; expected {}", where.empty() ? "it" : where, brief(value, 60), expected));
    }

    const json &resolved(const std::string &reference) const {
        return root_.at(json::json_pointer(reference.substr(1)));  // behind the #
    }

    static bool has_type(const json &value, const json &type) {
        if (type.is_array()) {
            return std::any_of(type.begin(), type.end(), [&](const json &t) { return has_type(value, t); });
        }
        return type == "integer"  ? value.is_number_integer()
               : type == "number" ? value.is_number()
                                  : type == value.type_name();
    }

    static void check_type(const json &value, const json &schema, const std::string &where) {
        if (schema.contains("type") && !has_type(value, schema.at("type"))) {
            fail(value, where, "the type " + schema.at("type").dump());
        }
        if (schema.contains("const") && value != schema.at("const")) {
            fail(value, where, schema.at("const").dump());
        }
        if (schema.contains("enum")) {
            const json &known = schema.at("enum");
            if (std::find(known.begin(), known.end(), value) == known.end()) {
                fail(value, where, "one of " + known.dump());
            }
        }
    }

    static void check_number(const json &value, const json &schema, const std::string &where) {
        const double number = value;
        auto bound = [&](const char *key, auto within, const char *words) {
            if (schema.contains(key) && !within(number, schema.at(key).get<double>())) {
                fail(value, where, words + schema.at(key).dump());
            }
        };
        bound("minimum", std::greater_equal<>(), "at least ");
        bound("maximum", std::less_equal<>(), "at most ");
    }

    static void check_length(size_t length, const json &value, const json &schema, const char *least, const char *most,
                             const std::string &where) {
        if (schema.contains(least) && length < schema.at(least).get<size_t>()) {
            fail(value, where, "a length of at least " + schema.at(least).dump());
        }
        if (schema.contains(most) && length > schema.at(most).get<size_t>()) {
            fail(value, where, "a length of at most " + schema.at(most).dump());
        }
    }

    static void check_string(const json &value, const json &schema, const std::string &where) {
        const std::string &text = value.get_ref<const std::string &>();
        check_length(text.size(), value, schema, "minLength", "maxLength", where);
        if (schema.contains("pattern")) {
            const std::string pattern = schema.at("pattern");
            static std::map<std::string, std::regex> known;  // to make one takes a hundred times as long
            if (!std::regex_search(text, known.try_emplace(pattern, pattern).first->second)) {
                fail(value, where, "what matches " + pattern);
            }
        }
        if (one_line(text) != text) {
            fail(value, where, "no control characters");  // messages and origins are lines
        }
    }

    void check_list(const json &value, const json &schema, const std::string &where) const {
        check_length(value.size(), value, schema, "minItems", "maxItems", where);
        for (size_t i = 0; i < value.size() && schema.contains("items"); i++) {
            check(value[i], schema.at("items"), fmt::format("{}[{}]", where, i));
        }
    }

    void check_object(const json &value, const json &schema, const std::string &where) const {
        const std::string prefix = where.empty() ? "" : where + ".";
        check_length(value.size(), value, schema, "minProperties", "maxProperties", where);
        check_required(value, schema, prefix);
        static const json none = json::object(), any = true;
        const json &properties = schema.contains("properties") ? schema.at("properties") : none;
        const json &others = schema.contains("additionalProperties") ? schema.at("additionalProperties") : any;
        for (const auto &[key, member] : value.items()) {
            if (schema.contains("propertyNames")) {
                check(key, schema.at("propertyNames"), prefix + "a key");
            }
            if (properties.contains(key)) {
                check(member, properties.at(key), prefix + key);
            } else if (others.is_object()) {
                check(member, others, prefix + key);
            } else if (others == false) {
                fail(key, prefix + "a key", "one of those of the schema");
            }
        }
        if (schema.contains("oneOf")) {
            check_one(value, schema.at("oneOf"), where);
        }
        if (schema.contains("if")) {
            check(value, schema.at(holds(value, schema.at("if"), where) ? "then" : "else"), where);
        }
    }

    static void check_required(const json &value, const json &schema, const std::string &prefix) {
        if (!schema.contains("required")) {
            return;
        }
        for (const json &key : schema.at("required")) {
            if (!value.contains(key.get_ref<const std::string &>())) {
                throw std::invalid_argument(prefix + key.get<std::string>() + " is missing");
            }
        }
    }

    bool holds(const json &value, const json &schema, const std::string &where) const {
        try {
            check(value, schema, where);
            return true;
        } catch (const std::invalid_argument &) {
            return false;
        }
    }

    void check_one(const json &value, const json &schemas, const std::string &where) const {
        const auto held =
            std::count_if(schemas.begin(), schemas.end(), [&](const json &s) { return holds(value, s, where); });
        if (held != 1) {
            fail(value, where, "one of " + schemas.dump());
        }
    }

    const json &root_;
};

constexpr std::time_t one_day = 86400;  // clocks differ

// The latest record of a trial counts: a date that has not come would for ever.
void check_date(const std::string &text) {
    std::tm parts{};
    const char *end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    const std::tm wanted = parts;
    const std::time_t time = timegm(&parts);
    if (end == nullptr || *end != '\0' || parts.tm_mday != wanted.tm_mday) {
        throw std::invalid_argument("date is \"" + text + "\"; expected a day of the calendar");
    }
    if (time > std::time(nullptr) + one_day) {
        throw std::invalid_argument("date is \"" + text + "\", which has not come; expected one until tomorrow");
    }
}

void check_interval(const json &record, const char *key) {
    if (record.at(key)[0] > record.at(key)[1]) {
        throw std::invalid_argument(fmt::format("{} is {}; expected the lower end first", key, record.at(key).dump()));
    }
}

}  // namespace

void check_record(const json &record) {
    static const json schema = json::parse(record_schema);
    Checker(schema).check(record, schema, "");
    check_date(record.at("date"));
    if (record.contains("threads") && !record.at("knobs").contains("grain_size")) {
        throw std::invalid_argument("knobs.grain_size is missing; expected it beside threads");
    }
    if (record.at("status") == "ok") {
        check_interval(record, "interval");
        check_interval(record, "default_interval");
        if (record.contains("control_ns") != record.contains("control_interval")) {
            throw std::invalid_argument("control_ns and control_interval are not both there; expected both or none");
        }
        if (record.contains("control_ns")) {
            check_interval(record, "control_interval");
        }
    }
}

}  // namespace norma
