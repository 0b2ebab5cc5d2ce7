// A Store that passes on what the server wants its user to know.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "store/store.h"

namespace rb::cli {

// As `inner`; each sentence of a session's notices goes to `on_notice` once, however many sessions bring it.
// It is foreign text and made printable. Without a sink there is nobody to tell.
std::unique_ptr<Store> make_notice_store(std::unique_ptr<Store> inner,
                                         std::function<void(const std::string&)> on_notice);

}  // namespace rb::cli
