/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test can play another processor that writes to shared memory at the worst
 * moment: right after it was read.
 */
#ifndef SHIM_OTHER_CPU_H
#define SHIM_OTHER_CPU_H

#include <stddef.h>

extern void (*shim_other_cpu)(const volatile void *where, size_t size);

#define SHIM_LOAD(p, order) ({						\
	const volatile void *__where = (p);				\
	__auto_type __value = __atomic_load_n(p, order);		\
									\
	if (shim_other_cpu)						\
		shim_other_cpu(__where, sizeof(__value));		\
	__value;							\
})

#endif /* SHIM_OTHER_CPU_H */
