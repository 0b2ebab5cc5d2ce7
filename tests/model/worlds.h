// Small worlds: enough for each way in which a reference can go wrong.
#pragma once

#include "model/gc_state.h"

namespace rb::model {

// By index; each world has the first few that it needs.
inline constexpr int kChunk = 0;

// A chunk and what refers to it.
inline constexpr World kChunkAndSnapshot{
    .name = "a chunk, a snapshot", .objects = 2, .refs = {0, 0b1}, .snapshots = 0b10};
// A chunk, a tree, a snapshot.
inline constexpr World kFile{
    .name = "a chunk, a tree, a snapshot", .objects = 3, .refs = {0, 0b1, 0b10}, .snapshots = 0b100};
inline constexpr World kTwoSnapshots{.name = "a chunk, a tree, two snapshots of it",
                                     .objects = 4,
                                     .refs = {0, 0b1, 0b10, 0b10},
                                     .snapshots = 0b1100};
inline constexpr World kTwoTrees{.name = "a chunk in two trees, a snapshot of each",
                                 .objects = 5,
                                 .refs = {0, 0b1, 0b1, 0b10, 0b100},
                                 .snapshots = 0b11000};

}  // namespace rb::model
