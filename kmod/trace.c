// SPDX-License-Identifier: GPL-2.0
/* What trace.h declares comes into being here. */
#define CREATE_TRACE_POINTS
#include "trace.h"
