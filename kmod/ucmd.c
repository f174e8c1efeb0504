// SPDX-License-Identifier: GPL-2.0
/* Ioctls by table: copying, sizes, flags and the reason of a failure. */
#include <linux/uaccess.h>
#include "ucmd.h"

static int ucmd_read(const struct kvblk_ucmd *uc, void *arg, u32 size,
		     const void __user *uarg, struct kvblk_why *why)
{
	const struct kvblk_hdr *hdr = arg;
	int ret;

	ret = copy_struct_from_user(arg, uc->size, uarg, size);
	if (ret == -E2BIG)
		return kvblk_why(why, ret, "hdr.size: %u, and what follows the first %u bytes is not zero",
				 size, uc->size);
	if (ret)
		return ret;
	if (hdr->flags & ~uc->flags)
		return kvblk_why(why, -EOPNOTSUPP, "hdr.flags: unknown bits %#x",
				 hdr->flags & ~uc->flags);
	if (hdr->reserved)
		return kvblk_why(why, -EOPNOTSUPP, "hdr.reserved: must be 0");
	return 0;
}

/* Best effort: the errno says enough. */
static void ucmd_explain(const struct kvblk_hdr *hdr, const struct kvblk_why *why)
{
	size_t len = min_t(size_t, hdr->msg_len, strlen(why->text) + 1);
	char __user *msg = u64_to_user_ptr(hdr->msg);

	if (!hdr->msg || !len)
		return;
	if (!copy_to_user(msg, why->text, len - 1))
		put_user('\0', msg + len - 1);
}

static long ucmd_exec(const struct kvblk_ucmd *uc, void *ctx, void __user *uarg,
		      const struct kvblk_hdr *hdr)
{
	u64 arg[KVBLK_UCMD_SIZE_MAX / sizeof(u64)];
	u32 size = hdr->size;
	struct kvblk_why why = {};
	int ret;

	if (WARN_ON_ONCE(uc->size > sizeof(arg)))
		return -EINVAL;
	if (size < uc->min_size)
		ret = kvblk_why(&why, -EINVAL, "hdr.size: %u, less than %u", size,
				uc->min_size);
	else
		ret = ucmd_read(uc, arg, size, uarg, &why);
	if (!ret)
		ret = uc->run(ctx, arg, &why);
	if (ret) {
		ucmd_explain(hdr, &why);
		return ret;
	}
	if (!uc->answers)
		return 0;
	return copy_to_user(uarg, arg, min_t(u32, size, uc->size)) ? -EFAULT : 0;
}

long kvblk_ucmd_run(const struct kvblk_ucmd *table, unsigned int first,
		    unsigned int nr, void *ctx, unsigned int cmd,
		    void __user *uarg)
{
	unsigned int i = _IOC_NR(cmd) - first;
	struct kvblk_hdr hdr;

	if (_IOC_TYPE(cmd) != KVBLK_IOC || i >= nr || !table[i].run)
		return -ENOTTY;
	if (copy_from_user(&hdr, uarg, sizeof(hdr.size)))
		return -EFAULT;
	/* A structure too short for a whole header cannot carry a message. */
	if (hdr.size < sizeof(hdr))
		return -EINVAL;
	if (copy_from_user((char *)&hdr + sizeof(hdr.size),
			   (char __user *)uarg + sizeof(hdr.size),
			   sizeof(hdr) - sizeof(hdr.size)))
		return -EFAULT;
	return ucmd_exec(&table[i], ctx, uarg, &hdr);
}
