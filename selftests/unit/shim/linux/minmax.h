/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHIM_LINUX_MINMAX_H
#define SHIM_LINUX_MINMAX_H

#define min_t(type, a, b) ({		\
	type __a = (a);			\
	type __b = (b);			\
	__a < __b ? __a : __b;		\
})

#define max_t(type, a, b) ({		\
	type __a = (a);			\
	type __b = (b);			\
	__a > __b ? __a : __b;		\
})

/* Comparing pointers to the two makes mixed types an error, as in the kernel. */
#define min(a, b) ({				\
	(void)((typeof(a) *)1 == (typeof(b) *)1);	\
	min_t(typeof(a), a, b);			\
})

#define max(a, b) ({				\
	(void)((typeof(a) *)1 == (typeof(b) *)1);	\
	max_t(typeof(a), a, b);			\
})

#endif /* SHIM_LINUX_MINMAX_H */
