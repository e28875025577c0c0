/* `walletctl wait ID`: listens, in calls of limited length, until the action has ended.  The action goes on whether or
 * not anybody listens, so that a daemon that restarts meanwhile is waited for, too. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "rpc/walletctl/ctl.h"
#include "rpc/walletctl/qr.h"
#include "rpc/walletctl/term.h"

#define LISTEN_S   60
#define GLANCE_S   1   /* on a terminal, where the state is shown as it changes */
#define COMEBACK_S 30  /* how long a daemon that has answered before may be gone */
#define PAUSE_MS   250 /* between two looks */
#define TEXT_MAX   ((size_t)1024 * 1024)
#define PAGE_MAX   ((size_t)256 * 1024 * 1024)

struct watch {
	struct ctl *c;
	const char *id;
	int64_t began_ms, deadline_ms, heard_ms; /* deadline: 0 for none; heard: the last answer, 0 before it */
	bool terminal;
	bool shown; /* what there is to pay or hand over */
};

static int64_t now_ms(void)
{
	return clock_mono_us() / 1000;
}

static const char *text_of(const json_t *obj, const char *name)
{
	const char *text = json_string_value(json_object_get(obj, name));

	return text ? text : "?";
}

static void clear_line(const struct watch *w)
{
	if (w->terminal)
		fputs("\r\033[K", w->c->err);
}

static void show_progress(const struct watch *w, const json_t *action)
{
	SCOPED(buf) struct buf line = BUF_CAP(TEXT_MAX);
	const json_t *error = json_object_get(action, "error");

	if (!w->terminal)
		return;
	term_line(&line, text_of(action, "status"));
	buf_text_add(&line, ": ");
	term_line(&line, text_of(action, "state"));
	if (json_is_object(error)) {
		buf_text_add(&line, ", trouble: ");
		term_line(&line, text_of(error, "kind"));
	}
	clear_line(w);
	fprintf(w->c->err, "%s, %" PRId64 " s", buf_text(&line), (now_ms() - w->began_ms) / 1000);
	fflush(w->c->err);
}

/* An invoice must be seen while the action waits to be paid. */
static void show_payload(struct watch *w, const json_t *action)
{
	SCOPED(buf) struct buf text = BUF_CAP(TEXT_MAX);
	const char *invoice, *payload = qr_payload(w->c->a, action, &invoice);

	if (w->shown || !payload || !w->terminal)
		return;
	w->shown = true;
	clear_line(w);
	buf_text_add(&text, invoice);
	buf_text_add(&text, "\n");
	if (w->c->cmd.qr != QR_NEVER)
		(void)qr_add(&text, payload, true, w->c->cmd.qr == QR_ALWAYS ? 0 : term_columns(w->c->err));
	fputs(buf_text(&text), w->c->err);
}

/* How long the next call may listen; 0 when the time is up. */
static int64_t next_listen_s(const struct watch *w)
{
	int64_t s = w->terminal ? GLANCE_S : LISTEN_S, left;

	if (w->deadline_ms == 0)
		return s;
	left = (w->deadline_ms - now_ms() + 999) / 1000;
	return left < s ? (left > 0 ? left : 0) : s;
}

static struct answer ask(struct watch *w, int64_t s)
{
	json_t *params = json_object_in(w->c->a);

	json_set_str(params, "id", w->id);
	json_set_str(params, "wait", "done");
	json_set_int(params, "timeout_s", s > 0 ? s : 1);
	return ctl_ask(w->c, "action.get", params);
}

/* Gone for a moment: a restart.  Refused is another matter. */
static bool may_come_back(const struct watch *w, const struct answer *answer)
{
	return answer->exit == CTL_UNREACHED && answer->err.code != ERR_FORBIDDEN && w->heard_ms != 0 &&
	       now_ms() - w->heard_ms < COMEBACK_S * 1000;
}

static enum ctl_exit finish(struct watch *w, json_t *action, enum ctl_exit code)
{
	enum ctl_exit shown;

	/* The last state is the answer, whatever it is. */
	clear_line(w);
	shown = ctl_show(w->c, "action.get", action);
	return shown == CTL_OK ? code : shown;
}

static enum ctl_exit time_is_up(struct watch *w, const json_t *action)
{
	struct err err;

	clear_line(w);
	ERR(&err, ERR_TIMEOUT, "the action has not ended yet: %.40s, %.40s", text_of(action, "status"),
	    text_of(action, "state"));
	err_hint(&err, "it goes on by itself: walletctl action explain %s", w->id);
	return ctl_refuse(w->c, CTL_UNREACHED, &err);
}

/* A daemon that is gone, or that stops, answers at once: it is not asked again and again meanwhile. */
static void rest(int64_t since_ms)
{
	int64_t left = PAUSE_MS - (now_ms() - since_ms);
	const struct timespec pause = { .tv_nsec = (long)left * 1000000 };

	if (left > 0)
		(void)nanosleep(&pause, NULL);
}

enum { GO_ON = -1 };

/* One look.  An enum ctl_exit, or GO_ON. */
static int look(struct watch *w)
{
	int64_t s = next_listen_s(w);
	struct answer answer = ask(w, s);
	const char *status;

	if (may_come_back(w, &answer) && s > 0)
		return GO_ON;
	if (answer.exit != CTL_OK) {
		clear_line(w);
		return (int)ctl_say_failure(w->c, &answer);
	}
	w->heard_ms = now_ms();
	status = text_of(answer.result, "status");
	if (strcmp(status, "done") == 0)
		return (int)finish(w, answer.result, CTL_OK);
	if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0)
		return (int)finish(w, answer.result, CTL_ERROR);
	show_payload(w, answer.result);
	show_progress(w, answer.result);
	return next_listen_s(w) == 0 ? (int)time_is_up(w, answer.result) : GO_ON;
}

enum ctl_exit watch_run(struct ctl *c, const char *id)
{
	struct watch w = {
		.c = c, .id = id, .began_ms = now_ms(), .terminal = term_columns(c->err) != 0 && !c->cmd.json
	};
	struct arena *whole = c->a;
	int code;

	if (c->cmd.timeout_s)
		w.deadline_ms = w.began_ms + c->cmd.timeout_s * 1000;
	for (;;) {
		/* Each answer has an arena of its own: one may wait for days. */
		SCOPED(arena) struct arena page = ARENA_LIMIT(PAGE_MAX);
		int64_t since_ms = now_ms();

		c->a = c->client ? &page : whole; /* but how to connect is kept */
		code = look(&w);
		c->a = whole;
		if (code != GO_ON)
			return (enum ctl_exit)code;
		rest(since_ms);
	}
}
