// SPDX-License-Identifier: GPL-2.0
/* Which worker serves which queue of a disk: with a session, without, and when it ends. */
#include <kunit/test.h>
#include <linux/delay.h>
#include "../session.h"

#define QUEUES	4
#define WORKERS	3
#define LOOKS	1000	/* of a millisecond */

static void front_used(void *front, unsigned int vq, bool interrupt)
{
}

static void front_config(void *front)
{
}

static bool front_unanswered(void *front, unsigned int vq)
{
	return false;
}

static void front_free(void *front)
{
}

static const struct kvblk_front front = {
	.owner		= THIS_MODULE,
	.shared		= true,
	.used		= front_used,
	.config		= front_config,
	.unanswered	= front_unanswered,
	.free		= front_free,
};

static int map_test_init(struct kunit *test)
{
	static const struct kvblk_disk_spec spec = { .name = "crew" };
	struct kvblk_disk *disk = kvblk_disk_alloc(&spec, QUEUES);

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->geo.queue_size = 16;
	kvblk_crew_spread(&disk->crew, WORKERS);
	test->priv = disk;
	return 0;
}

static void map_test_exit(struct kunit *test)
{
	kvblk_disk_put(test->priv);
}

static struct kvblk_session *open(struct kunit *test)
{
	struct kvblk_session *s = kvblk_session_open(test->priv, &front, NULL);

	KUNIT_ASSERT_FALSE(test, IS_ERR(s));
	return s;
}

static void expect_crew(struct kunit *test, unsigned int nr, const unsigned int *of)
{
	struct kvblk_disk *disk = test->priv;
	struct kvblk_crew crew = kvblk_crew_get(disk);
	unsigned int i;

	KUNIT_EXPECT_EQ(test, nr, crew.nr);
	mutex_lock(&disk->lock);
	if (disk->session)
		KUNIT_EXPECT_EQ(test, nr, disk->session->nr_workers);
	for (i = 0; i < QUEUES; i++) {
		KUNIT_EXPECT_EQ(test, of[i], crew.of[i]);
		KUNIT_EXPECT_EQ(test, of[i], kvblk_crew_of(disk, i));
	}
	mutex_unlock(&disk->lock);
}

#define EXPECT_CREW(test, nr, ...) \
	expect_crew(test, nr, (const unsigned int[QUEUES]) { __VA_ARGS__ })

/* Changes, and what is refused. */
static void moves(struct kunit *test)
{
	struct kvblk_disk *disk = test->priv;

	EXPECT_CREW(test, WORKERS, 0, 1, 2, 0);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_move(disk, 0, 2));
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_move(disk, 3, 1));
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_move(disk, 2, 2));
	EXPECT_CREW(test, WORKERS, 2, 1, 2, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, kvblk_crew_move(disk, 1, WORKERS));
	KUNIT_EXPECT_EQ(test, -EINVAL, kvblk_crew_move(disk, 1, UINT_MAX));
	KUNIT_EXPECT_EQ(test, -EINVAL, kvblk_crew_move(disk, 1, 256));
	EXPECT_CREW(test, WORKERS, 2, 1, 2, 1);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(disk, 2));
	EXPECT_CREW(test, 2, 0, 1, 0, 1);
	KUNIT_EXPECT_EQ(test, -EINVAL, kvblk_crew_move(disk, 1, 2));
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_move(disk, 1, 0));
	EXPECT_CREW(test, 2, 0, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(disk, 2));
	EXPECT_CREW(test, 2, 0, 1, 0, 1);
	KUNIT_EXPECT_EQ(test, 0, kvblk_crew_set(disk, QUEUES));
	EXPECT_CREW(test, QUEUES, 0, 1, 2, 3);
}

static void moves_in_a_session(struct kunit *test)
{
	struct kvblk_session *s = open(test);

	moves(test);
	kvblk_session_close(s);
}

static void sessions_are_made_so(struct kunit *test)
{
	struct kvblk_disk *disk = test->priv;
	struct kvblk_session *s;
	int i;

	KUNIT_ASSERT_EQ(test, 0, kvblk_crew_move(disk, 0, 1));
	for (i = 0; i < 2; i++) {
		s = open(test);
		EXPECT_CREW(test, WORKERS, 1, 1, 2, i ? 2 : 0);
		KUNIT_ASSERT_EQ(test, 0, kvblk_crew_move(disk, 3, 2));
		kvblk_session_close(s);
		EXPECT_CREW(test, WORKERS, 1, 1, 2, 2);
	}
}

static void await_no_session(struct kunit *test)
{
	struct kvblk_disk *disk = test->priv;
	int i;

	for (i = 0; i < LOOKS && READ_ONCE(disk->session); i++)
		usleep_range(1000, 2000);
	KUNIT_ASSERT_NULL(test, disk->session);
}

/* As the end of crew_change(), for a session that waits for that. */
static void change_ends(struct kunit *test)
{
	struct kvblk_disk *disk = test->priv;

	mutex_lock(&disk->lock);
	disk->manning = false;
	if (disk->session)
		kvblk_session_finish_soon(disk->session);
	mutex_unlock(&disk->lock);
}

static void one_at_a_time(struct kunit *test)
{
	struct kvblk_disk *disk = test->priv;
	struct kvblk_session *s;

	disk->manning = true;
	KUNIT_EXPECT_EQ(test, -EBUSY, kvblk_crew_set(disk, 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, kvblk_crew_move(disk, 0, 1));
	s = kvblk_session_open(disk, &front, NULL);
	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EBUSY), s);
	change_ends(test);

	s = open(test);
	s->drain_ms = 1;
	disk->manning = true;
	KUNIT_EXPECT_EQ(test, -EBUSY, kvblk_crew_set(disk, 1));
	KUNIT_EXPECT_EQ(test, -EBUSY, kvblk_crew_move(disk, 0, 1));
	EXPECT_CREW(test, WORKERS, 0, 1, 2, 0);
	kvblk_session_close(s);
	KUNIT_ASSERT_PTR_EQ(test, s, disk->session);
	change_ends(test);
	await_no_session(test);
}

static struct kvblk_session *unmapped;

/* Somebody comes to change the workers, somebody else closes. */
static void unmap_slowly(struct kvblk_mapping *map)
{
	struct kvblk_session *s = unmapped;

	map->addr = NULL;
	mutex_lock(&s->disk->lock);
	s->disk->manning = true;
	s->closing = true;
	mutex_unlock(&s->disk->lock);
}

/* A reset gives the rings back, then ends: what has begun meanwhile keeps the session. */
static void change_begins_late(struct kunit *test)
{
	static const struct kvblk_mem_ops slow = { .unmap = unmap_slowly };
	struct kvblk_disk *disk = test->priv;
	struct kvblk_session *s = open(test);
	int i;

	unmapped = s;
	mutex_lock(&disk->lock);
	s->mem.ops = &slow;
	s->vq[0].queue.area[0].addr = s;
	s->resetting = true;
	kvblk_session_finish_soon(s);
	mutex_unlock(&disk->lock);
	for (i = 0; i < LOOKS && READ_ONCE(s->resetting); i++)
		usleep_range(1000, 2000);
	KUNIT_EXPECT_FALSE(test, s->resetting);
	KUNIT_ASSERT_PTR_EQ(test, s, disk->session);
	KUNIT_EXPECT_EQ(test, WORKERS, s->nr_workers);
	change_ends(test);
	await_no_session(test);
	kvblk_session_put(s);
}

/* ---- two at once ---- */

#define TIMES	20

/**
 * struct change - A change of the number of workers by a work item
 * @work: The item.
 * @disk: Whose.
 * @nr: Workers.
 * @ret: What came of it.
 */
struct change {
	struct work_struct work;
	struct kvblk_disk *disk;
	unsigned int nr;
	int ret;
};

static void change_work(struct work_struct *work)
{
	struct change *c = container_of(work, struct change, work);

	WRITE_ONCE(c->ret, kvblk_crew_set(c->disk, c->nr));
}

/* Returns when it is under way, or over. */
static void change_start(struct change *c, struct kvblk_disk *disk, unsigned int nr)
{
	*c = (struct change){ .disk = disk, .nr = nr, .ret = 1 };
	INIT_WORK_ONSTACK(&c->work, change_work);
	queue_work(disk->wq, &c->work);
	while (!READ_ONCE(disk->manning) && READ_ONCE(c->ret) == 1)
		usleep_range(10, 20);
}

static void change_wait(struct change *c)
{
	flush_work(&c->work);
	destroy_work_on_stack(&c->work);
}

static void closed_meanwhile(struct kunit *test)
{
	struct kvblk_disk *disk = test->priv;
	struct kvblk_session *s;
	struct change c;
	int i;

	for (i = 0; i < TIMES; i++) {
		s = open(test);
		change_start(&c, disk, i % 2 ? QUEUES : 1);
		kvblk_session_close(s);
		change_wait(&c);
		KUNIT_EXPECT_EQ(test, 0, c.ret);
		await_no_session(test);
	}
	KUNIT_EXPECT_EQ(test, QUEUES, kvblk_crew_get(disk).nr);
}

/* Who needs other threads waits for who wants more of them. */
static void renewed_meanwhile(struct kunit *test)
{
	struct kvblk_disk *disk = test->priv;
	struct kvblk_session *s = open(test);
	struct change c;
	int i;

	for (i = 0; i < TIMES; i++) {
		change_start(&c, disk, i % 2 ? QUEUES : 1);
		KUNIT_EXPECT_EQ(test, 0, kvblk_crew_renew(s, NULL));
		change_wait(&c);
		KUNIT_EXPECT_EQ(test, 0, c.ret);
	}
	EXPECT_CREW(test, QUEUES, 0, 1, 2, 3);
	kvblk_session_close(s);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE(moves),
	KUNIT_CASE(moves_in_a_session),
	KUNIT_CASE(sessions_are_made_so),
	KUNIT_CASE(one_at_a_time),
	KUNIT_CASE(change_begins_late),
	KUNIT_CASE(closed_meanwhile),
	KUNIT_CASE(renewed_meanwhile),
	{}
};

static struct kunit_suite map_suite = {
	.name = "kvblk_map",
	.init = map_test_init,
	.exit = map_test_exit,
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
