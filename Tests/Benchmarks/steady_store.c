/* A store that costs next to nothing: it answers tokens and writes after a set delay, and knows when each call came.
 *
 * usage: steady_store DELAY_MS SIGMA [KEY=VALUE]...
 *
 * Prints "PORT" and serves until SIGTERM; then one line of JSON: the writes, the seconds between the first and the last,
 * and the most calls of any sliding second, each counted when its last byte was read. SIGMA 0 is a steady delay, else
 * that of a lognormal distribution whose median is DELAY_MS.
 *
 * With keys it has a limit that shoppers share, and moods; the JSON has what became of the writes between two seconds
 * after the first one:
 *   rule=sliding|fixed|bucket limit=100   the limit, in calls a second; refused calls do not count towards it
 *   shoppers=50 swing=30 period=20        the shoppers' calls a second: a Poisson process, and how it swings
 *   refuse=0.01 after=0                   the share refused by chance; with after, every 429 has this Retry-After
 *   fail=0.15 down=20 up=80               the share answered with 500; between down and up, 503 is the only answer
 *   life=5                                how long tokens live, in seconds
 *   from=5 to=65 seed=1                   what is counted, and the beginning of chance
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 4096, REQUEST = 16384 };

static const char done[] = "HTTP/1.1 204 No Content\r\n\r\n";
static const char failed[] = "HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n";
static const char down[] = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
static const char dead[] = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
static char refused[128], tokens[256][192];

/* The keys, by name, and what they are unless they are given. */
static char rule = 0;
static struct key { const char *name; double value; } keys[] = {
    {"limit", 100}, {"shoppers", 0}, {"swing", 0}, {"period", 20}, {"refuse", 0}, {"after", -1}, {"fail", 0}, {"down", 0},
    {"up", 0}, {"life", 86400}, {"from", 0}, {"to", 1e9}, {"seed", 1}};

static double key(const char *name) {
    for (size_t at = 0; at < sizeof keys / sizeof *keys; at++)
        if (!strcmp(keys[at].name, name)) return keys[at].value;
    abort();
}

static struct connection { int length; char request[REQUEST]; } *connections[CONNECTIONS];

/* Answers to come, the earliest first: a binary heap. */
struct pending { int64_t due; int descriptor; const char *answer; };
static struct pending heap[CONNECTIONS * 2];
static int pending;

static int64_t *arrivals;
static size_t count, room, writes;
static int64_t first_write, last_write;
static volatile sig_atomic_t stopping;

static void stop(int signal) { (void)signal; stopping = 1; }

static void fail(const char *what) { perror(what); exit(1); }

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static double normal(void) {
    return sqrt(-2 * log(1 - drand48())) * cos(2 * M_PI * drand48());
}

static void push(struct pending item) {
    int at = pending++;
    while (at > 0 && heap[(at - 1) / 2].due > item.due) { heap[at] = heap[(at - 1) / 2]; at = (at - 1) / 2; }
    heap[at] = item;
}

static struct pending pop(void) {
    struct pending top = heap[0], item = heap[--pending];
    int at = 0, child;
    while ((child = at * 2 + 1) < pending) {
        if (child + 1 < pending && heap[child + 1].due < heap[child].due) child++;
        if (heap[child].due >= item.due) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
    return top;
}

/* The length of the request at the beginning of the text, 0 while it is not whole. */
static int whole(const char *text, int length) {
    const char *end = memmem(text, length, "\r\n\r\n", 4);
    if (!end) return 0;
    int head = end + 4 - text, body = 0;
    const char *line = strcasestr(text, "\r\ncontent-length:");
    if (line && line < end) body = atoi(line + 17);
    return length >= head + body ? head + body : 0;
}

/* The limit: whether one more call fits, which takes its place then. Times are in seconds after the first write. */
static double window[1 << 16], bucket, filled;
static size_t oldest, newest;
static long second = -1;
static double in_second;

static int fits(double time) {
    double limit = key("limit");
    switch (rule) {
    case 'b':
        bucket = fmin(limit, bucket + (time - filled) * limit);
        filled = time;
        if (bucket < 1) return 0;
        bucket -= 1;
        return 1;
    case 'f':
        if ((long)time != second) { second = (long)time; in_second = 0; }
        if (in_second >= limit) return 0;
        in_second += 1;
        return 1;
    case 's':
        while (oldest != newest && window[oldest % (1 << 16)] <= time - 1) oldest++;
        if (newest - oldest >= limit) return 0;
        window[newest++ % (1 << 16)] = time;
        return 1;
    default: return 1;
    }
}

static struct { double room; long shoppers, shoppers_refused, made, refused, failed, dead, in_outage, after_outage; } seen;
static double next_shopper;

static int is_counted(double time) { return time >= key("from") && time < key("to"); }

static void shop(double until) {
    while (next_shopper <= until) {
        double time = next_shopper;
        double mean = fmax(0, key("shoppers") + key("swing") * sin(2 * M_PI * time / key("period")));
        double gap = -log(1 - drand48()) / fmax(mean, 0.1);
        next_shopper += gap;
        if (is_counted(time)) seen.room += fmax(0, key("limit") - mean) * fmin(gap, 1);
        if (mean <= 0.1) continue;
        int made = fits(time);
        if (is_counted(time)) { seen.shoppers++; seen.shoppers_refused += !made; }
    }
}

/* The answer to a write, which is counted. */
static const char *judge(double time, const char *request) {
    shop(time);
    int counts = is_counted(time);
    if (time >= key("down") && time < key("up")) { seen.in_outage++; return down; }
    const char *bearer = strcasestr(request, "bearer bench-");
    if (!bearer || now() - atoll(bearer + 13) > key("life") * 1e9) { seen.dead += counts; return dead; }
    if (!fits(time) || drand48() < key("refuse")) { seen.refused += counts; return refused; }
    if (drand48() < key("fail")) { seen.failed += counts; return failed; }
    seen.made += counts;
    if (key("up") > 0 && time >= key("up") + 8 && time < key("up") + 10) seen.after_outage++;
    return done;
}

static const char *issue(int64_t time) {
    static int last;
    char body[96], *text = tokens[last++ % 256];
    int length = sprintf(body, "{\"access_token\":\"bench-%lld\",\"expires_in\":%.0f}", (long long)time, key("life"));
    sprintf(text, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s", length, body);
    return text;
}

static void arrive(int descriptor, const char *request, double delay, double sigma) {
    int64_t time = now();
    int is_token = strncmp(request, "POST /oauth/", 12) == 0;
    if (count == room && !(arrivals = realloc(arrivals, (room = room ? room * 2 : 1 << 16) * sizeof *arrivals))) fail("realloc");
    arrivals[count++] = time;
    const char *answer;
    if (is_token) {
        answer = drand48() < key("fail") ? failed : issue(time);
    } else {
        if (writes++ == 0) first_write = time;
        last_write = time;
        answer = judge((time - first_write) / 1e9, request);
    }
    double wait = sigma > 0 ? delay * exp(sigma * normal()) : delay;
    push((struct pending){time + (int64_t)(wait * 1e6), descriptor, answer});
}

static void take(int descriptor, double delay, double sigma) {
    struct connection *connection = connections[descriptor];
    ssize_t got = read(descriptor, connection->request + connection->length, REQUEST - 1 - connection->length);
    if (got <= 0) {
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
        close(descriptor);
        return;
    }
    connection->length += got;
    connection->request[connection->length] = 0;
    int length = whole(connection->request, connection->length);
    if (length == 0) return;
    arrive(descriptor, connection->request, delay, sigma);
    connection->length -= length;
    memmove(connection->request, connection->request + length, connection->length);
}

static size_t busiest(void) {
    size_t most = 0, from = 0;
    for (size_t to = 0; to < count; to++) {
        while (arrivals[to] - arrivals[from] >= 1000000000LL) from++;
        if (to - from + 1 > most) most = to - from + 1;
    }
    return most;
}

int main(int words, char **word) {
    if (words < 3) { fprintf(stderr, "usage: %s DELAY_MS SIGMA [KEY=VALUE]...\n", word[0]); return 64; }
    double delay = atof(word[1]), sigma = atof(word[2]);
    for (int at = 3; at < words; at++) {
        char *value = strchr(word[at], '=');
        size_t known = 0, all = sizeof keys / sizeof *keys;
        if (value) *value++ = 0;
        if (value && !strcmp(word[at], "rule")) { rule = *value; continue; }
        while (known < all && strcmp(keys[known].name, word[at])) known++;
        if (!value || known == all) { fprintf(stderr, "%s: no such key: %s\n", word[0], word[at]); return 64; }
        keys[known].value = atof(value);
    }
    srand48((long)key("seed"));
    bucket = key("limit");
    int end = sprintf(refused, "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n");
    if (key("after") >= 0) end += sprintf(refused + end, "retry-after: %.0f\r\n", key("after"));
    sprintf(refused + end, "\r\n");
    signal(SIGTERM, stop);
    signal(SIGPIPE, SIG_IGN);
    int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), yes = 1;
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1024)) fail("listen");
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){.events = EPOLLIN, .data.fd = listener});
    epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &(struct epoll_event){.events = EPOLLIN, .data.fd = timer});
    int64_t armed = 0;
    while (!stopping) {
        struct epoll_event events[256];
        if (pending && heap[0].due != armed) {
            armed = heap[0].due;
            timerfd_settime(timer, TFD_TIMER_ABSTIME,
                            &(struct itimerspec){.it_value = {armed / 1000000000, armed % 1000000000}}, NULL);
        }
        int ready = epoll_wait(epoll, events, 256, -1);
        for (int at = 0; at < ready; at++) {
            int descriptor = events[at].data.fd;
            if (descriptor == listener) {
                int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
                if (client < 0 || client >= CONNECTIONS) fail("accept");
                setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                if (!connections[client] && !(connections[client] = malloc(sizeof *connections[client]))) fail("malloc");
                connections[client]->length = 0;
                epoll_ctl(epoll, EPOLL_CTL_ADD, client, &(struct epoll_event){.events = EPOLLIN, .data.fd = client});
            } else if (descriptor == timer) {
                uint64_t expirations;
                if (read(timer, &expirations, sizeof expirations) < 0 && errno != EAGAIN) fail("timer");
            } else {
                take(descriptor, delay, sigma);
            }
        }
        while (pending && heap[0].due <= now()) {
            struct pending due = pop();
            if (write(due.descriptor, due.answer, strlen(due.answer)) < 0 && errno != EPIPE && errno != ECONNRESET) fail("write");
        }
    }
    double span = (last_write - first_write) / 1e9;
    shop(fmin(span, key("to")));
    printf("{\"writes\": %zu, \"writeSeconds\": %.6f, \"busiestSecond\": %zu, \"seconds\": %.6f, \"room\": %.1f, "
           "\"shoppers\": %ld, \"shoppersRefused\": %ld, \"made\": %ld, \"refused\": %ld, \"failed\": %ld, "
           "\"unauthorized\": %ld, \"inOutage\": %ld, \"afterOutage\": %ld}\n",
           writes, span, busiest(), fmin(span, key("to")) - key("from"), seen.room, seen.shoppers, seen.shoppers_refused,
           seen.made, seen.refused, seen.failed, seen.dead, seen.in_outage, seen.after_outage);
    return 0;
}
