// What differs between two stored trees, and whether anything does.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "restore/history.h"

namespace rb {

// Whether two entries of one path say the same about what people see there: carried-over marks don't count,
// nor does the content of a directory, nor a directory's time, which moves whenever something in it comes or
// goes. An implied entry says nothing that could differ.
bool same_apart_from_content(const Entry& before, const Entry& after);

// The changes at and under one path, in walk order; the visitor may end it by an error.
Status diff_entries(ObjectSource& source, const std::string& path, const std::optional<Entry>& before,
                    const std::optional<Entry>& after, const std::function<Status(const PathChange&)>& visit);

// Whether diff_entries would report anything.
Result<bool> entries_differ(ObjectSource& source, const std::optional<Entry>& before,
                            const std::optional<Entry>& after);

}  // namespace rb
