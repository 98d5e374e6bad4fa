/* The protocol of one job: claim, plan, judge, approve, journal, call, outcome, resume, undo; and what may come between.
 *
 * One source sends snapshots. A service claims the newest, plans against what exists, lets a guard judge, journals, calls
 * and records outcomes. Shoppers create and delete; another command, with a source of its own, works on the state folder
 * while no service holds it; a person approves, and takes a run back; answers are lost; the service is killed between any
 * two steps. Steps have the names that stand beside them in Sources (`Tests/Model/check` compares).
 *
 * Tests/Model/check searches all of it for a failed assertion and for a state in which nothing goes on that is no end.
 * Two mistakes can be put in: -DJOURNAL_AFTER_CALL and -DAPPROVAL_UNBOUND. */

#ifndef ASSOCIATIONS
#define ASSOCIATIONS 3
#endif
#ifndef VERSIONS
#define VERSIONS 2
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef SHOPPERS
#define SHOPPERS 1
#endif
#define LOST 1                      /* answers */
#define UNDOS 1
/* More deletes than these need an approval. */
#define LIMIT 1

mtype = { nothing, creating, deleting };
mtype = { pending, made, skipped };
mtype = { none, planning, applying, stopped, finished };
mtype = { away, inbox, working, waiting, done, superseded };

/* The store: an earlier run has made all of it. */
bit exists[ASSOCIATIONS] = 1;

/* What survives a kill: the ledger, the journal of the last run, the folders, the approvals. */
bit owned[ASSOCIATIONS] = 1;
bit other[ASSOCIATIONS];            /* asserted by the source of the other command */
mtype state = none;
byte run_of;                        /* the version that the run applies; VERSIONS for an undo */
mtype entry[ASSOCIATIONS] = nothing;
mtype outcome[ASSOCIATIONS] = pending;
mtype place[VERSIONS] = away;
bit wants[ASSOCIATIONS * VERSIONS];
byte asked[VERSIONS];               /* the deletes that the refused plan had */
byte approval[VERSIONS];            /* the deletes that a person allowed; 0 without an approval */
bit undo_asked;

/* Who holds the state folder. */
mtype = { free, service, command };
mtype lock = free;

/* What only the assertions know. */
byte accepted[VERSIONS];
byte granted[VERSIONS];
bit touched[ASSOCIATIONS];          /* by a call of this run */

byte kills = KILLS;
byte lost = LOST;
byte undos = UNDOS;
bit all_sent;
bit shoppers_gone;

#define WANTED(version, i) wants[(version) * ASSOCIATIONS + (i)]
/* The process may end here, and nothing that it held in memory is left. */
#define MAYBE_KILLED if :: kills > 0 -> atomic { kills--; lock = free; goto begin } :: true fi


proctype Source() {
    byte v = 0, i;
    do
    :: v < VERSIONS ->
        atomic {
            i = 0;
            do
            :: i < ASSOCIATIONS -> if :: WANTED(v, i) = 1 :: WANTED(v, i) = 0 fi; i++
            :: else -> break
            od;
            place[v] = inbox;
            v++
        }
    :: else -> break
    od;
    all_sent = 1
}

proctype Shopper() {
    byte left = SHOPPERS, i;
    do
    :: left > 0 ->
        atomic {
            if :: i = 0 :: i = 1 :: i = ASSOCIATIONS - 1 fi;
            exists[i] = 1 - exists[i];
            left--
        }
    :: break
    od;
    shoppers_gone = 1
}

/* A command with a source of its own: it needs the folder, and asserts something that it makes sure of. */
proctype Command() {
    byte i;
    if
    :: atomic { lock == free -> lock = command };
        atomic { i = ASSOCIATIONS - 1; exists[i] = 1; other[i] = 1 };
        lock = free
    :: true
    fi
}

proctype Person() {
    byte v;
end:
    do
    /* Step: approve. What is approved is the number that the refused plan had. */
    :: atomic { place[0] == waiting && approval[0] == 0 && asked[0] > 0 -> approval[0] = asked[0]; granted[0] = asked[0] }
    :: atomic { place[VERSIONS - 1] == waiting && approval[VERSIONS - 1] == 0 && asked[VERSIONS - 1] > 0 ->
            approval[VERSIONS - 1] = asked[VERSIONS - 1]; granted[VERSIONS - 1] = asked[VERSIONS - 1] }
    :: atomic { undos > 0 && state == finished && run_of < VERSIONS -> undos--; undo_asked = 1 }
    od
}

active proctype Service() {
    byte v, i, n;
    mtype plan[ASSOCIATIONS];
    bit resumed;

begin:
    atomic {
        lock == free -> lock = service;
        resumed = 0; n = 0; i = 0; v = 0;
        do :: i < ASSOCIATIONS -> plan[i] = nothing; i++ :: else -> break od;
        if
        /* Nothing was written to the store: the journal is removed. */
        :: state == planning -> state = none
        :: state == applying -> state = stopped
        :: else
        fi
    }

next:
    atomic {
        n = VERSIONS;
        i = 0;
        do
        :: i < VERSIONS -> if :: place[i] == working -> n = i :: else fi; i++
        :: else -> break
        od;
        v = n
    }
    if
    /* The process ended after the run, and before its export was moved. */
    :: v < VERSIONS && state == finished && run_of == v -> goto conclude
    :: v < VERSIONS && state == stopped && run_of == v -> goto resume
    :: state == stopped && run_of == VERSIONS -> goto resume
    /* The run of a newer snapshot makes a stopped one void. */
    :: v < VERSIONS && !((state == finished || state == stopped) && run_of == v) -> goto plan_it
    :: v == VERSIONS -> skip
    fi;

    /* Step: claim. The newest snapshot; older ones are void, also one that waits. */
    atomic {
        v = VERSIONS;
        i = 0;
        do
        :: i < VERSIONS ->
            if
            :: place[i] == inbox || (place[i] == waiting && approval[i] > 0) -> v = i
            :: else
            fi;
            i++
        :: else -> break
        od;
        if
        :: v < VERSIONS ->
            i = 0;
            do
            :: i < v -> if :: place[i] == inbox || place[i] == waiting -> place[i] = superseded :: else fi; i++
            :: else -> break
            od;
            place[v] = working
        :: else
        fi
    }
    if
    :: v < VERSIONS -> goto plan_it
    :: v == VERSIONS && undo_asked && state == finished && run_of < VERSIONS -> goto undo
    :: v == VERSIONS && !(undo_asked && state == finished && run_of < VERSIONS) -> skip
    fi;
end:
    if
    :: place[0] == inbox || place[VERSIONS - 1] == inbox -> goto next
    :: (place[0] == waiting && approval[0] > 0) || (place[VERSIONS - 1] == waiting && approval[VERSIONS - 1] > 0) -> goto next
    :: undo_asked && state == finished && run_of < VERSIONS -> goto next
    :: kills > 0 -> atomic { kills--; lock = free }; goto begin
    fi;

plan_it:
    MAYBE_KILLED;
    /* Step: plan. What exists is listed at one moment; much may happen before the calls. */
    atomic {
        n = 0; i = 0;
        do
        :: i < ASSOCIATIONS ->
            if
            :: WANTED(v, i) && !exists[i] -> plan[i] = creating
            :: !WANTED(v, i) && exists[i] && owned[i] && !other[i] -> plan[i] = deleting; n++
            :: else -> plan[i] = nothing
            fi;
            i++
        :: else -> break
        od
    }
    MAYBE_KILLED;
    /* Step: judge. An approval holds for as many deletes as the person saw, and for this export. */
    atomic {
        if
#ifdef APPROVAL_UNBOUND
        :: n > LIMIT && approval[0] == 0 && approval[VERSIONS - 1] == 0 ->
#else
        :: n > LIMIT && approval[v] < n ->
#endif
            asked[v] = n; approval[v] = 0; place[v] = waiting;
            goto next
        :: else
        fi
    }
    MAYBE_KILLED;
    /* It is used once, however the run ends. */
    approval[v] = 0; asked[v] = 0;
    MAYBE_KILLED;

    /* Step: journal. The whole plan is on the disk before the first call. */
    atomic {
        state = planning; run_of = v; i = 0;
        do
        :: i < ASSOCIATIONS ->
            entry[i] = plan[i]; outcome[i] = pending; touched[i] = 0;
#ifdef JOURNAL_AFTER_CALL
            entry[i] = nothing;
#endif
            i++
        :: else -> break
        od
    }
    MAYBE_KILLED;
    atomic {
        i = 0;
        do
        :: i < ASSOCIATIONS ->
            if
            :: WANTED(v, i) -> owned[i] = 1
            :: !WANTED(v, i) && plan[i] == nothing && !exists[i] -> owned[i] = 0
            :: else
            fi;
            i++
        :: else -> break
        od
    }
    MAYBE_KILLED;
    atomic {
        state = applying; accepted[v]++;
        /* A version is applied at most once. */
        assert(accepted[v] == 1);
        /* No plan beyond the guard without a person who allowed as many deletes of this very export. */
        assert(n <= LIMIT || n <= granted[v]);
        granted[v] = 0;
        resumed = 0
    }
    goto apply;

resume:
    /* Step: resume. */
    atomic { state = applying; resumed = 1; v = run_of }

apply:
    i = 0;
    do
    :: i < ASSOCIATIONS ->
#ifdef JOURNAL_AFTER_CALL
        if
        :: !resumed && run_of < VERSIONS -> skip
        :: else -> plan[i] = entry[i]
        fi;
        if
        :: plan[i] == nothing || outcome[i] != pending -> i++; goto again
        :: else
        fi;
#else
        plan[i] = entry[i];
        if
        :: entry[i] == nothing || outcome[i] != pending -> i++; goto again
        :: else
        fi;
#endif
        MAYBE_KILLED;
        /* The plan did not know what another source has asserted since. */
        if
        :: resumed && plan[i] == deleting && other[i] -> outcome[i] = skipped; i++; goto again
        :: else
        fi;
look:
        /* Nothing tells whether a delete without an answer had its effect: a fresh listing does, if it is gone. */
        if
        :: plan[i] == deleting && touched[i] && !exists[i] -> goto known
        :: else
        fi;
        /* Step: call. */
        atomic {
            /* Whatever the store is made to do stands in the journal of a run that was accepted. */
            assert(state == applying && entry[i] == plan[i] && outcome[i] == pending);
            if
            :: plan[i] == creating -> exists[i] = 1
            :: plan[i] == deleting ->
                /* Nothing that the run's export wants, or that another source asserted before the run began or went on. */
                assert(run_of == VERSIONS || !WANTED(run_of, i));
                assert(!other[i]);
                exists[i] = 0
            fi;
            touched[i] = 1
        }
        if
        :: lost > 0 -> lost--; goto look
        :: true
        fi;
        MAYBE_KILLED;
known:
        /* Step: outcome. Recorded before anything believes it. */
        atomic {
#ifdef JOURNAL_AFTER_CALL
            entry[i] = plan[i];
#endif
            assert(outcome[i] == pending);
            outcome[i] = made;
            if :: plan[i] == deleting -> owned[i] = 0 :: else fi;
            i++
        }
again:  skip
    :: else -> break
    od;
    MAYBE_KILLED;
    atomic {
        state = finished; i = 0;
        do
        /* Every change has an outcome. */
        :: i < ASSOCIATIONS -> assert(entry[i] == nothing || outcome[i] != pending); i++
        :: else -> break
        od
    }
    MAYBE_KILLED;
    if
    :: run_of < VERSIONS -> v = run_of; goto conclude
    :: else -> goto next
    fi;

conclude:
    atomic {
        place[v] = done;
        if
        :: all_sent && shoppers_gone && place[VERSIONS - 1] == done && run_of == VERSIONS - 1 && SHOPPERS == 0 ->
            /* With nobody else about, the store is as the newest export wants it. */
            i = 0;
            do
            :: i < ASSOCIATIONS ->
                assert(!WANTED(VERSIONS - 1, i) || exists[i]);
                assert(WANTED(VERSIONS - 1, i) || !exists[i] || other[i] || outcome[i] == skipped);
                i++
            :: else -> break
            od
        :: else
        fi
    }
    goto next;

undo:
    /* Step: undo. The inverse of what the run really changed, as a run of its own. */
    atomic {
        undo_asked = 0; i = 0; n = 0;
        do
        :: i < ASSOCIATIONS ->
            if
            :: outcome[i] == made && entry[i] == creating && exists[i] && !other[i] -> plan[i] = deleting; n++
            :: outcome[i] == made && entry[i] == deleting && !exists[i] -> plan[i] = creating
            :: else -> plan[i] = nothing
            fi;
            i++
        :: else -> break
        od
    }
    MAYBE_KILLED;
    if
    :: n > LIMIT -> goto next
    :: else
    fi;
    atomic {
        state = planning; i = 0;
        run_of = VERSIONS;
        do
        :: i < ASSOCIATIONS ->
            entry[i] = plan[i]; outcome[i] = pending; touched[i] = 0;
            if :: plan[i] == creating -> owned[i] = 1 :: else fi;
            i++
        :: else -> break
        od
    }
    MAYBE_KILLED;
    state = applying; resumed = 0;
    goto apply
}

init {
    atomic {
        run Source();
        run Shopper();
        run Command();
        run Person()
    }
}
