/* A thousand idle and slow connections, and one healthy client among them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/support/rpc_world.h"
#include "tests/support/suite.h"

#define CROWD     1000
#define CALLS     200
#define P99_US    20000 /* "milliseconds", with room for a sanitizer on a busy machine */
#define REQUEST_S 10    /* as rpc/http_conns.h promises */

static struct rpc_process p;
static struct http_pending pending;
static struct http_seen seen;
static const char status_call[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}";

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The 99th percentile of status calls, half of them on connections of their own. */
static int64_t p99_of_calls(void)
{
	static int64_t took[CALLS];
	int kept = rpc_connect(p.socket, 0);

	for (int i = 0; i < CALLS; i++) {
		int64_t began = clock_mono_us();
		int fd = i % 2 ? kept : rpc_connect(p.socket, 0);

		pending.n = 0;
		rpc_post(fd, &pending, status_call, &seen);
		ck_assert_int_eq(seen.status, 200);
		if (fd != kept)
			close(fd);
		took[i] = clock_mono_us() - began;
	}
	close(kept);
	qsort(took, CALLS, sizeof(took[0]), by_value);
	return took[CALLS * 99 / 100 - 1];
}

static void drip(const int *crowd, int i)
{
	static const char *const slow[] = { "P", "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", "GET /st", "" };

	rpc_send_text(crowd[i], slow[i % 4]);
}

START_TEST(healthy_client_in_a_crowd)
{
	static int crowd[CROWD];
	int64_t alone, p99;

	rpc_process_start(&p, 0);
	alone = p99_of_calls();
	for (int i = 0; i < CROWD; i++) {
		crowd[i] = rpc_connect(i % 3 ? p.socket : NULL, p.port);
		drip(crowd, i);
	}
	p99 = p99_of_calls();
	ck_assert_msg(p99 < P99_US + 10 * alone, "p99 %lld us, alone %lld us", (long long)p99, (long long)alone);
	for (int i = 0; i < CROWD; i++)
		close(crowd[i]);
	rpc_process_stop(&p);
}
END_TEST

/* Who drips is cut when its time is over, however busily it drips; who is idle, is not. */
START_TEST(a_dripping_client_is_cut)
{
	int drips = 0, idle, body, head;
	int64_t began = clock_mono_us(), took;

	rpc_process_start(&p, 0);
	head = rpc_connect(NULL, p.port);
	body = rpc_connect(p.socket, 0);
	idle = rpc_connect(p.socket, 0);
	rpc_send_text(body, "POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\n");
	rpc_send_text(head, "POST / HTTP/1.1\r\nX-A: ");
	while (send(head, "a", 1, MSG_NOSIGNAL) == 1 && send(body, " ", 1, MSG_NOSIGNAL) == 1 && drips++ < 400)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	took = (clock_mono_us() - began) / 1000000;
	ck_assert_msg(took >= REQUEST_S - 1 && took <= REQUEST_S + 3, "cut after %lld s", (long long)took);
	ck_assert(rpc_at_end(head));
	ck_assert(rpc_at_end(body));
	pending.n = 0;
	rpc_post(idle, &pending, status_call, &seen);
	ck_assert_int_eq(seen.status, 200);
	close(head);
	close(body);
	close(idle);
	rpc_process_stop(&p);
}
END_TEST

/* When all places are taken, the longest idle makes room; those at work keep theirs. */
START_TEST(room_for_newcomers)
{
	static int crowd[64];
	const char *wait = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\",\"params\":{\"after\":999999}}";
	char text[256];
	int fd;

	rpc_process_start(&p, 32);
	for (int i = 0; i < 64; i++) {
		crowd[i] = rpc_connect(p.socket, 0);
		pending.n = 0;
		rpc_post(crowd[i], &pending, status_call, &seen);
		ck_assert_int_eq(seen.status, 200);
	}
	ck_assert(rpc_at_end(crowd[0]));
	pending.n = 0;
	rpc_post(crowd[63], &pending, status_call, &seen);
	ck_assert_int_eq(seen.status, 200);
	for (int i = 0; i < 64; i++)
		close(crowd[i]);
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);

	snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", strlen(wait), wait);
	for (int i = 0; i < 32; i++) {
		crowd[i] = rpc_connect(p.socket, 0);
		rpc_send_text(crowd[i], text);
	}
	nanosleep(&(struct timespec){ .tv_nsec = 200000000 }, NULL);
	fd = rpc_connect(p.socket, 0);
	pending.n = 0;
	rpc_read_reply(fd, &pending, &seen);
	ck_assert_int_eq(seen.status, 503);
	ck_assert_ptr_nonnull(strstr(seen.head, "Retry-After: 1"));
	close(fd);
	for (int i = 0; i < 32; i++)
		close(crowd[i]);
	rpc_process_stop(&p);
}
END_TEST

/* One that asks for much and takes nothing must not hold up the others, nor fill memory. */
START_TEST(a_client_that_does_not_read)
{
	const char *call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"rpc.discover\"}";
	char request[256];
	int fd, small = 4096;
	size_t sent = 0, n;
	int64_t alone;

	rpc_process_start(&p, 0);
	alone = p99_of_calls();
	fd = rpc_connect(p.socket, 0);
	ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	snprintf(request, sizeof(request), "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s", strlen(call), call);
	n = strlen(request);
	for (int i = 0; i < 100000; i++) {
		if (send(fd, request, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n)
			break;
		sent += n;
	}
	/* The server stopped taking, or closed, long before this much. */
	ck_assert_uint_lt(sent, 4u << 20);
	ck_assert_int_lt(p99_of_calls(), P99_US + 10 * alone);
	close(fd);
	rpc_process_stop(&p);
}
END_TEST

/* Bodies that were only announced take no memory, but their room is kept: there is an end to it, and it comes back. */
START_TEST(room_for_bodies)
{
	static const char large[] = "POST / HTTP/1.1\r\nContent-Length: 1048576\r\n\r\n ";
	int crowd[64], fd;

	rpc_process_start(&p, 0);
	for (int i = 0; i < 64; i++) {
		crowd[i] = rpc_connect(p.socket, 0);
		rpc_send_text(crowd[i], large);
	}
	nanosleep(&(struct timespec){ .tv_nsec = 100000000 }, NULL);
	fd = rpc_connect(p.socket, 0);
	rpc_send_text(fd, large);
	pending.n = 0;
	rpc_read_reply(fd, &pending, &seen);
	ck_assert_int_eq(seen.status, 503);
	ck_assert_ptr_nonnull(strstr(seen.head, "\r\nRetry-After: 1\r\n"));
	close(fd);
	for (int i = 0; i < 64; i++)
		close(crowd[i]);
	for (int i = 0; i < 300 && seen.status != 200; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
		fd = rpc_connect(p.socket, 0);
		pending.n = 0;
		rpc_post(fd, &pending, status_call, &seen);
		close(fd);
	}
	ck_assert_int_eq(seen.status, 200);
	rpc_process_stop(&p);
}
END_TEST

int main(void)
{
	struct rlimit files;
	Suite *s = suite_create("connections");
	TCase *t = tcase_create("connections");

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_max != RLIM_INFINITY && files.rlim_max < CROWD + 200) {
		puts("this needs 1200 open files");
		return 77;
	}
	tcase_set_timeout(t, 120);
	tcase_add_test(t, healthy_client_in_a_crowd);
	tcase_add_test(t, a_dripping_client_is_cut);
	tcase_add_test(t, room_for_newcomers);
	tcase_add_test(t, a_client_that_does_not_read);
	tcase_add_test(t, room_for_bodies);
	suite_add_tcase(s, t);
	return suite_run(s);
}
