// How the C library's allocator behaves, for the whole process.
#pragma once

namespace rb {

// Memory that was freed stays with the process, up to 128 MiB in one piece: blocks of some megabytes come and
// go all the time, and memory fresh from the system costs a page fault and zeros for each page. Threads share
// `arenas` heaps, each of which keeps what its threads held at most; 0: as the C library thinks best. To be
// called before there are threads. Has no effect with other allocators, such as a sanitizer's.
void keep_freed_memory(int arenas = 0);

}  // namespace rb
