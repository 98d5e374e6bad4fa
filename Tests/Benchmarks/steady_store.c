/* A store that costs next to nothing: it answers tokens and writes after a set delay, and knows when each call came.
 *
 * usage: steady_store DELAY_MS SIGMA
 *
 * Prints "PORT" and serves until SIGTERM; then one line of JSON: the writes, the seconds between the first and the last,
 * and the most calls of any sliding second, each counted when its last byte was read. SIGMA 0 is a steady delay, else
 * that of a lognormal distribution whose median is DELAY_MS.
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

static const char token[] =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 43\r\n\r\n"
    "{\"access_token\":\"bench\",\"expires_in\":86400}";
static const char done[] = "HTTP/1.1 204 No Content\r\n\r\n";

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

static void arrive(int descriptor, const char *request, double delay, double sigma) {
    int64_t time = now();
    int is_token = strncmp(request, "POST /oauth/", 12) == 0;
    if (count == room && !(arrivals = realloc(arrivals, (room = room ? room * 2 : 1 << 16) * sizeof *arrivals))) fail("realloc");
    arrivals[count++] = time;
    if (!is_token) {
        if (writes++ == 0) first_write = time;
        last_write = time;
    }
    double wait = sigma > 0 ? delay * exp(sigma * normal()) : delay;
    push((struct pending){time + (int64_t)(wait * 1e6), descriptor,
                          is_token ? token : done});
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
    if (words != 3) { fprintf(stderr, "usage: %s DELAY_MS SIGMA\n", word[0]); return 64; }
    double delay = atof(word[1]), sigma = atof(word[2]);
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
    printf("{\"writes\": %zu, \"writeSeconds\": %.6f, \"busiestSecond\": %zu}\n", writes, (last_write - first_write) / 1e9,
           busiest());
    return 0;
}
