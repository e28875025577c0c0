#include "daemon/signals.h"

#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>

#define N_SIGNALS 4

struct signals {
	struct signals_hooks hooks;
	struct event *events[N_SIGNALS];
};

static void on_stop(evutil_socket_t sig, short what, void *ctx)
{
	struct signals *s = ctx;

	(void)sig, (void)what;
	s->hooks.stop(s->hooks.ctx);
}

static void on_reload(evutil_socket_t sig, short what, void *ctx)
{
	struct signals *s = ctx;

	(void)sig, (void)what;
	s->hooks.reload(s->hooks.ctx);
}

static void on_dump(evutil_socket_t sig, short what, void *ctx)
{
	struct signals *s = ctx;

	(void)sig, (void)what;
	s->hooks.dump(s->hooks.ctx);
}

int signals_new(struct loop *loop, const struct signals_hooks *hooks, struct signals **ret, struct err *err)
{
	static const struct {
		int number;
		event_callback_fn fn;
	} table[N_SIGNALS] = { { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload }, { SIGUSR1, on_dump } };
	struct signals *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	s->hooks = *hooks;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		signals_free(s);
		return ERR(err, ERR_INTERNAL, "cannot ignore SIGPIPE");
	}
	for (size_t i = 0; i < N_SIGNALS; i++) {
		s->events[i] = evsignal_new(loop_base(loop), table[i].number, table[i].fn, s);
		if (!s->events[i] || event_add(s->events[i], NULL) != 0) {
			signals_free(s);
			return ERR(err, ERR_INTERNAL, "cannot listen for signal %d", table[i].number);
		}
	}
	*ret = s;
	return 0;
}

void signals_free(struct signals *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (s->events[i])
			event_free(s->events[i]);
	free(s);
}
