// SPDX-License-Identifier: GPL-2.0
/* mark - executes the instruction, without effect, at which plugin.c writes down its counts. */

int main(void)
{
	__asm__ volatile("prefetchnta 0x6b766c62");
	return 0;
}
