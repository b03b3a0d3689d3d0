/* modules.h: the C modules that a Lua state can require. */
#ifndef NL_BIND_MODULES_H
#define NL_BIND_MODULES_H

#include "script/vm.h"

extern const nl_vm_module nl_modules[]; /* a NULL name at the end */

#endif
