// SPDX-License-Identifier: GPL-2.0
/* /dev/kvblk/<disk>: a session as a VMM sees it. */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "pause.h"
#include "ucmd.h"
#include "vmm.h"

static int region_check(const struct kvblk_region *r, u32 i, struct kvblk_why *why)
{
	u64 end;

	if (!r->size)
		return kvblk_why(why, -EINVAL, "regions[%u].size: is 0", i);
	if (!IS_ALIGNED(r->gpa | r->size | r->uaddr, KVBLK_PAGE_SIZE))
		return kvblk_why(why, -EINVAL, "regions[%u]: gpa %#llx, size %#llx, uaddr %#llx must be multiples of %u",
				 i, r->gpa, r->size, r->uaddr, KVBLK_PAGE_SIZE);
	if (check_add_overflow(r->gpa, r->size, &end))
		return kvblk_why(why, -EOVERFLOW, "regions[%u].gpa: %#llx with size %#llx wraps",
				 i, r->gpa, r->size);
	if (check_add_overflow(r->uaddr, r->size, &end))
		return kvblk_why(why, -EOVERFLOW, "regions[%u].uaddr: %#llx with size %#llx wraps",
				 i, r->uaddr, r->size);
	if (!access_ok(u64_to_user_ptr(r->uaddr), r->size))
		return kvblk_why(why, -EFAULT, "regions[%u]: uaddr %#llx is no user memory",
				 i, r->uaddr);
	return 0;
}

/* The user's array as the map wants it, or an ERR_PTR. */
static struct kvblk_mem_region *regions_read(const struct kvblk_session_mem *arg,
					     struct kvblk_why *why)
{
	const struct kvblk_region __user *user = u64_to_user_ptr(arg->regions);
	struct kvblk_mem_region *to;
	struct kvblk_region from;
	int ret = -EFAULT;
	u32 i;

	to = kvcalloc(arg->count, sizeof(*to), GFP_KERNEL);
	if (!to)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < arg->count; i++) {
		if (copy_from_user(&from, user + i, sizeof(from))) {
			ret = kvblk_why(why, -EFAULT, "regions: cannot be read");
			goto err_free;
		}
		ret = region_check(&from, i, why);
		if (ret)
			goto err_free;
		to[i] = (struct kvblk_mem_region){
			.gpa = from.gpa, .size = from.size, .host = from.uaddr,
		};
	}
	return to;

err_free:
	kvfree(to);
	return ERR_PTR(ret);
}

static int mem_pin(struct kvblk_mem *mem, struct kvblk_why *why)
{
	int ret = kvblk_mem_pin(mem);

	if (ret == -ENOMEM)
		return kvblk_why(why, ret, "regions: pinning them exceeds RLIMIT_MEMLOCK or the host's memory");
	if (ret)
		return kvblk_why(why, ret, "regions: not all of them can be pinned");
	return 0;
}

static int node_set_mem(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_session_mem *arg = data;
	struct kvblk_vmm *vmm = ctx;
	struct kvblk_mem_region *region;
	struct kvblk_mem mem;
	unsigned int bad;
	int ret;

	if (arg->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "reserved: must be 0");
	if (arg->count > KVBLK_REGIONS_MAX)
		return kvblk_why(why, -E2BIG, "count: %u regions, at most %u",
				 arg->count, KVBLK_REGIONS_MAX);
	region = regions_read(arg, why);
	if (IS_ERR(region))
		return PTR_ERR(region);

	ret = kvblk_mem_init(&mem, &kvblk_mem_user_ops, current->mm, region, arg->count, &bad);
	if (ret) {
		kvblk_why(why, ret, "regions: the one at gpa %#llx overlaps another",
			  region[bad].gpa);
		kvfree(region);
		return ret;
	}
	if (arg->hdr.flags & KVBLK_MEM_PIN)
		ret = mem_pin(&mem, why);
	if (!ret) {
		ret = kvblk_session_set_mem(vmm->session, &mem);
		if (ret)
			kvblk_why(why, ret, "the device is running");
	}
	if (ret)
		kvblk_mem_exit(&mem);
	return ret;
}

static int node_bind(void *ctx, void *data, struct kvblk_why *why)
{
	static int (*const bind[])(struct kvblk_vmm *vmm, unsigned int vq, int fd) = {
		[KVBLK_EVENT_KICK]	= kvblk_vmm_bind_kick,
		[KVBLK_EVENT_ACK]	= kvblk_vmm_bind_ack,
		[KVBLK_EVENT_IRQ]	= kvblk_vmm_bind_irq,
	};
	struct kvblk_session_bind *arg = data;
	struct kvblk_vmm *vmm = ctx;
	u32 queues = vmm->session->nr_vqs;
	int ret;

	BUILD_BUG_ON(ARRAY_SIZE(bind) != KVBLK_EVENT_NR);
	if (arg->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "reserved: must be 0");
	if (arg->event >= ARRAY_SIZE(bind))
		return kvblk_why(why, -EINVAL, "event: %u, must be below %zu",
				 arg->event, ARRAY_SIZE(bind));
	if (arg->queue >= queues)
		return kvblk_why(why, -EINVAL, "queue: %u, must be below %u",
				 arg->queue, queues);
	if (arg->fd < -1)
		return kvblk_why(why, -EBADF, "fd: %d is not open", arg->fd);

	ret = bind[arg->event](vmm, arg->queue, arg->fd);
	if (ret == -EBUSY)
		return kvblk_why(why, ret, "the device is running");
	if (ret == -EBADF)
		return kvblk_why(why, ret, "fd: %d is not open", arg->fd);
	if (ret == -EINVAL)
		return kvblk_why(why, ret, "fd: %d is not an eventfd", arg->fd);
	return ret;
}

static int reg_check(const struct kvblk_session_reg *arg, struct kvblk_why *why)
{
	if (!is_power_of_2(arg->len) || arg->len > 8)
		return kvblk_why(why, -EINVAL, "len: %u, must be 1, 2, 4 or 8",
				 arg->len);
	if (arg->offset > KVBLK_MMIO_SIZE - arg->len)
		return kvblk_why(why, -EINVAL, "offset: %#x with len %u is above %#x",
				 arg->offset, arg->len, KVBLK_MMIO_SIZE);
	return 0;
}

static int node_write(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_session_reg *arg = data;
	struct kvblk_vmm *vmm = ctx;
	int ret = reg_check(arg, why);

	if (!ret)
		kvblk_session_write(vmm->session, arg->offset, arg->len, arg->value);
	return ret;
}

static int node_read(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_session_reg *arg = data;
	struct kvblk_vmm *vmm = ctx;
	int ret = reg_check(arg, why);

	if (!ret)
		arg->value = kvblk_mmio_read(vmm->mmio, arg->offset, arg->len);
	return ret;
}

static int node_info(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_session_info *arg = data;
	struct kvblk_vmm *vmm = ctx;
	const struct kvblk_session *s = vmm->session;

	memcpy(arg->name, s->disk->spec.name, sizeof(arg->name));
	arg->disk_flags = s->disk->spec.flags;
	arg->queues = s->nr_vqs;
	arg->capacity = s->disk->geo.capacity;
	return 0;
}

static int node_pause(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_session_pause *arg = data;
	struct kvblk_vmm *vmm = ctx;
	int ret = kvblk_pause_check(arg->timeout_ms, why);

	if (!ret)
		arg->in_flight = kvblk_session_pause(vmm->session, arg->timeout_ms);
	return ret;
}

static int node_resume(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_session_pause *arg = data;
	struct kvblk_vmm *vmm = ctx;
	struct kvblk_session *s = vmm->session;

	if (arg->timeout_ms)
		return kvblk_why(why, -EOPNOTSUPP, "timeout_ms: must be 0");
	kvblk_session_resume(s);
	arg->in_flight = kvblk_disk_stat(s->disk, KVBLK_STAT_IN_FLIGHT);
	return 0;
}

static int node_parameters(void *ctx, void *data, struct kvblk_why *why)
{
	struct kvblk_session_set *arg = data;
	struct kvblk_vmm *vmm = ctx;

	if (arg->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "reserved: must be 0");
	if (arg->drain_ms > KVBLK_DRAIN_MS_MAX)
		return kvblk_why(why, -EINVAL, "drain_ms: %u is above %u", arg->drain_ms,
				 KVBLK_DRAIN_MS_MAX);
	if (arg->drain_ms)
		WRITE_ONCE(vmm->session->drain_ms, arg->drain_ms);
	return 0;
}

#define NODE_FIRST	_IOC_NR(KVBLK_SESSION_SET_MEM)
#define NODE_CMD(cmd, type, answers, fn) NODE_CMD_FLAGS(cmd, type, 0, answers, fn)
#define NODE_CMD_FLAGS(cmd, type, flags, answers, fn) \
	[_IOC_NR(cmd) - NODE_FIRST] = KVBLK_UCMD(type, flags, answers, fn)

static const struct kvblk_ucmd node_cmds[] = {
	NODE_CMD_FLAGS(KVBLK_SESSION_SET_MEM, struct kvblk_session_mem, KVBLK_MEM_PIN,
		       false, node_set_mem),
	NODE_CMD(KVBLK_SESSION_BIND, struct kvblk_session_bind, false, node_bind),
	NODE_CMD(KVBLK_SESSION_WRITE, struct kvblk_session_reg, false, node_write),
	NODE_CMD(KVBLK_SESSION_READ, struct kvblk_session_reg, true, node_read),
	NODE_CMD(KVBLK_SESSION_INFO, struct kvblk_session_info, true, node_info),
	NODE_CMD(KVBLK_SESSION_PAUSE, struct kvblk_session_pause, true, node_pause),
	NODE_CMD(KVBLK_SESSION_RESUME, struct kvblk_session_pause, true,
		 node_resume),
	NODE_CMD(KVBLK_SESSION_SET, struct kvblk_session_set, false,
		 node_parameters),
};

static long node_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct kvblk_vmm *vmm = file->private_data;

	if (!kvblk_vmm_allows(vmm))
		return -EPERM;
	return kvblk_ucmd_run(node_cmds, NODE_FIRST, ARRAY_SIZE(node_cmds), vmm,
			      cmd, (void __user *)arg);
}

static int node_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct kvblk_vmm *vmm = file->private_data;

	if (!kvblk_vmm_allows(vmm))
		return -EPERM;
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != KVBLK_MMIO_SIZE)
		return -EINVAL;
	if (vma->vm_flags & (VM_WRITE | VM_EXEC))
		return -EPERM;
	/* A child must not keep the session open by inheriting the page. */
	vm_flags_mod(vma, VM_DONTEXPAND | VM_DONTCOPY, VM_MAYWRITE | VM_MAYEXEC);
	return vm_insert_page(vma, vma->vm_start, vmm->session->page);
}

static int node_open(struct inode *inode, struct file *file)
{
	struct kvblk_disk *disk =
		container_of(inode->i_cdev, struct kvblk_disk, cdev);
	struct kvblk_vmm *vmm;

	/* A session can do all: there is no looking only. */
	if (!(file->f_mode & FMODE_READ) || !(file->f_mode & FMODE_WRITE))
		return -EACCES;
	vmm = kvblk_vmm_open(disk);
	if (IS_ERR(vmm))
		return PTR_ERR(vmm);
	file->private_data = vmm;
	return 0;
}

static int node_release(struct inode *inode, struct file *file)
{
	kvblk_vmm_close(file->private_data);
	return 0;
}

const struct file_operations kvblk_node_fops = {
	.owner		= THIS_MODULE,
	.open		= node_open,
	.release	= node_release,
	.unlocked_ioctl	= node_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
	.mmap		= node_mmap,
	.llseek		= noop_llseek,
};
