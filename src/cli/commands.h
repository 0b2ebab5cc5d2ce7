// The commands of rbbackup. Each takes the words behind its name and gives an exit status
// (cli/exit_status.h).
#pragma once

#include <string>
#include <vector>

namespace rb::cli {

using Arguments = std::vector<std::string>;

int cmd_backup(Arguments arguments);
int cmd_join(Arguments arguments);
int cmd_log(Arguments arguments);
int cmd_ls(Arguments arguments);
int cmd_cat(Arguments arguments);
int cmd_diff(Arguments arguments);
int cmd_restore(Arguments arguments);
int cmd_verify(Arguments arguments);
int cmd_forget(Arguments arguments);
int cmd_pin(Arguments arguments);
int cmd_unpin(Arguments arguments);
int cmd_status(Arguments arguments);

// The program: finds the command in the arguments (without the program's name) and runs it.
int run_rbbackup(Arguments arguments);

}  // namespace rb::cli
