// SPDX-License-Identifier: GPL-2.0
/* One ioctl, and the sentence that tells why it failed. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "internal.h"

int kvblk_call(int fd, unsigned long request, struct kvblk_hdr *hdr,
	       size_t size, char *why, size_t why_len)
{
	hdr->size = size;
	hdr->reserved = 0;
	hdr->msg = 0;
	hdr->msg_len = 0;
	if (why && why_len) {
		why[0] = '\0';
		hdr->msg = (uintptr_t)why;
		hdr->msg_len = why_len;
	}

	return ioctl(fd, request, hdr) < 0 ? -errno : 0;
}

void kvblk_why(char *why, size_t why_len, const char *format, ...)
{
	va_list args;

	if (!why || !why_len)
		return;
	va_start(args, format);
	vsnprintf(why, why_len, format, args);
	va_end(args);
}
