/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernels 6.1 and 7.2, force-included into every file. The
 * rest of the module is written for the newest interface.
 */
#ifndef KVBLK_COMPAT_H
#define KVBLK_COMPAT_H

#include <linux/version.h>
#include <linux/eventfd.h>
#include <linux/export.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "kvblk needs Linux 6.1 or newer"
#endif

#ifdef __BIG_ENDIAN
#error "kvblk keeps its register page in CPU order, which must be little-endian"
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 2, 0)
#define kvblk_devnode_arg struct device
#else
#define kvblk_devnode_arg const struct device
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void vm_flags_mod(struct vm_area_struct *vma, vm_flags_t set,
				vm_flags_t clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 8, 0)
#define eventfd_signal(ctx) ((void)(eventfd_signal)(ctx, 1))
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
#define kvblk_alloc_disk()	blk_alloc_disk(NUMA_NO_NODE)
#else
#define kvblk_alloc_disk()	blk_alloc_disk(NULL, NUMA_NO_NODE)
#endif

/* Symbols are for the project's own modules. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define EXPORT_SYMBOL_KVBLK(sym)	EXPORT_SYMBOL_NS_GPL(sym, KVBLK)
#define KVBLK_IMPORT		MODULE_IMPORT_NS(KVBLK)
#else
#define EXPORT_SYMBOL_KVBLK(sym)	EXPORT_SYMBOL_NS_GPL(sym, "KVBLK")
#define KVBLK_IMPORT		MODULE_IMPORT_NS("KVBLK")
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
static inline void
hrtimer_setup(struct hrtimer *timer,
	      enum hrtimer_restart (*function)(struct hrtimer *timer),
	      clockid_t clock_id, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock_id, mode);
	timer->function = function;
}
#endif

/* Of use in the vDPA front end only. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
#define kvblk_vdpa_alloc_device(type, member, parent, ops, name, use_va) \
	vdpa_alloc_device(type, member, parent, ops, 1, 1, name, use_va)
#define kvblk_vdpa_dma_dev(vdpa)	((vdpa)->dma_dev)
#else
#define kvblk_vdpa_alloc_device(type, member, parent, ops, name, use_va) \
	vdpa_alloc_device(type, member, parent, ops, NULL, 1, 1, name, use_va)
#define kvblk_vdpa_dma_dev(vdpa)	((vdpa)->vmap.dma_dev)
#endif

#endif /* KVBLK_COMPAT_H */
