/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_ASM_BARRIER_H
#define SHIM_ASM_BARRIER_H

#include "../other_cpu.h"

/* As strong as in the kernel or stronger. */
#define smp_mb()		__atomic_thread_fence(__ATOMIC_SEQ_CST)
/* Nothing that follows moves up. */
#define smp_load_acquire(p)	SHIM_LOAD((p), __ATOMIC_ACQUIRE)
/* Nothing that precedes moves down. */
#define smp_store_release(p, v)	__atomic_store_n((p), (v), __ATOMIC_RELEASE)

#endif /* SHIM_ASM_BARRIER_H */
