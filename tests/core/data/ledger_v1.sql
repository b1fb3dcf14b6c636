PRAGMA application_id = 1363365715;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE answers (
        job TEXT NOT NULL REFERENCES jobs,
        task TEXT NOT NULL,
        key TEXT NOT NULL,
        content BLOB,
        file TEXT,
        PRIMARY KEY (job, task),
        CHECK ((content IS NULL) <> (file IS NULL))
    ) STRICT
    ;
INSERT INTO "answers" VALUES('2b53c9adb5f4','c0.0','',X'BCB22E9056020000000000007B227461736B223A7B22245461736B223A7B226964223A2263302E30222C22636972637569745F6964223A226330222C22626C6F636B73223A5B5B302C3130302C343631323037383633323631313635373731385D5D2C226D6574686F64223A226175746F6D61746963222C226F7074696F6E73223A7B7D2C22706172616D6574657273223A7B22247475706C65223A5B5D7D2C22706F696E74223A307D7D2C227265636F7264223A7B222453686172645265636F7264223A7B227461736B5F6964223A2263302E30222C226E6F64655F6964223A226C6F63616C2D6E756D70792D30222C2270726F7669646572223A226C6F63616C5F6E756D7079222C226578656375746F72223A226C6F63616C5F6E756D7079222C2266616C6C6261636B223A66616C73652C2273686F7473223A3130302C22626C6F636B73223A7B22247475706C65223A5B7B22247475706C65223A5B302C3130302C343631323037383633323631313635373731385D7D5D7D2C2273696D756C61746564223A747275652C226D6574686F64223A227374617465766563746F72222C226578616374223A747275652C22617474656D707473223A312C2273746172746564223A313739353535313230372E333033333035312C227365636F6E6473223A302E303030393132323838303030313038363734322C2263686172676573223A7B22247475706C65223A5B5D7D2C226D65746164617461223A7B7D7D7D2C22636F756E7473223A5B312C325D2C226D656D6F7279223A6E756C6C2C2264617461223A7B226974656D73223A5B5D7D2C227761726E696E67223A22227D0000000000000000010000000000000033000000000000003100000000000000',NULL);
CREATE TABLE charges (
        job TEXT NOT NULL REFERENCES jobs,
        key TEXT NOT NULL,
        task TEXT NOT NULL,
        unit TEXT NOT NULL,
        value REAL NOT NULL,
        PRIMARY KEY (job, key, task, unit)
    ) STRICT
    ;
CREATE TABLE circuits (
        digest TEXT PRIMARY KEY,
        format TEXT NOT NULL,
        content BLOB NOT NULL
    ) STRICT
    ;
INSERT INTO "circuits" VALUES('65fb60352acf5a2bdf6af0eb07e358a60cac8d360fcd17e997a7ef3644c87840','qpy',X'5149534B49541202060200000000000000017071000000000000001C00046600080000000100000001000000000000000200000002000000000000000300000000636F696E00000000000000007B7D710100000001000101017100000000630100000001000401016D656173000000000000000000000000000000000000000500000000000000010000000000000000000000000000000000000000000000484761746571000000000007000000000000000100000000000000000000000000000000000000000000004261727269657271000000000007000000000000000100000001000000000000000000000000000000000000004D6561737572657100000000630000000000FFFFFFFFFFFFFFFFFFFFFFFF0000000000000000');
CREATE TABLE history (
        number INTEGER PRIMARY KEY,
        job TEXT NOT NULL REFERENCES jobs,
        key TEXT NOT NULL,
        time REAL NOT NULL,
        stage TEXT NOT NULL,
        message TEXT NOT NULL
    ) STRICT
    ;
INSERT INTO "history" VALUES(1,'2b53c9adb5f4','',1.79555120730040764813e+09,'open','stored');
INSERT INTO "history" VALUES(2,'2b53c9adb5f4','',1.79555120730445814131e+09,'done','');
INSERT INTO "history" VALUES(3,'2b53c9adb5f4','',1.79555120730504226686e+09,'done','ended');
INSERT INTO "history" VALUES(4,'b4a6e7781c83','',1.79555120730824136735e+09,'open','stored');
INSERT INTO "history" VALUES(5,'b4a6e7781c83','',1.79555120731110739703e+09,'done','');
INSERT INTO "history" VALUES(6,'b4a6e7781c83','',1.79555120731160593031e+09,'done','ended');
INSERT INTO "history" VALUES(7,'b4a6e7781c83','',1.79555120731445860861e+09,'open','goes on');
CREATE TABLE job_circuits (
        job TEXT NOT NULL REFERENCES jobs,
        circuit TEXT NOT NULL,
        digest TEXT NOT NULL REFERENCES circuits,
        PRIMARY KEY (job, circuit)
    ) STRICT
    ;
INSERT INTO "job_circuits" VALUES('2b53c9adb5f4','c0','65fb60352acf5a2bdf6af0eb07e358a60cac8d360fcd17e997a7ef3644c87840');
INSERT INTO "job_circuits" VALUES('b4a6e7781c83','c0','65fb60352acf5a2bdf6af0eb07e358a60cac8d360fcd17e997a7ef3644c87840');
CREATE TABLE jobs (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        tags TEXT NOT NULL,
        created REAL NOT NULL,
        state TEXT NOT NULL,
        finished REAL,
        errors TEXT NOT NULL,
        plan TEXT NOT NULL,
        cluster TEXT,
        settings TEXT NOT NULL,
        cancel INTEGER NOT NULL DEFAULT 0,
        fence INTEGER NOT NULL DEFAULT 0, -- grows with each lease
        host TEXT,                        -- who has the lease, on a network file system
        expires REAL
    ) STRICT
    ;
INSERT INTO "jobs" VALUES('2b53c9adb5f4','done job','["old"]',1.79555120730040764813e+09,'done',1.79555120730504226686e+09,'{}','{"value": {"$ShardPlan": {"circuits": {"$tuple": [{"$PlannedCircuit": {"id": "c0", "name": "done job", "profile": {"$CircuitProfile": {"name": "coin", "num_qubits": 1, "active": {"$tuple": [0]}, "registers": {"$Registers": {"width": 1, "sizes": {"$tuple": [{"$tuple": ["meas", 1]}]}, "places": {"$tuple": []}}}, "operations": {"h": 1, "barrier": 1, "measure": 1}, "measured": true, "dynamic": false, "variables": false, "expressions": false, "unbound": {"$tuple": []}, "saves": {"$tuple": []}, "layout": null}}, "shots": 100, "seed": 7, "position": 0, "options": {}, "seed_given": true, "parameters": {"$tuple": []}, "points": {"rows": 1, "length": 0, "numbers": ""}, "shape": null}}]}, "shards": {"rows": [["local-numpy-0", "local_numpy", 0, true]], "estimates": [{"$Estimate": {"seconds": {"$tuple": [0.00010004000000000001, 0.00090036]}, "memory_bytes": 96, "queue_seconds": null, "charges": {"$tuple": []}, "method": "statevector (numpy)", "exact": true, "sampling": "once", "cores": 1, "task_method": "automatic", "by_hand": ""}}], "tasks": {"rows": [["c0.0", "c0", [[0, 100, 4612078632611657718]], "automatic", 0, 0]], "options": [{}], "parameters": {"rows": 1, "length": 0, "numbers": ""}}}, "decisions": {"$tuple": [{"$Decision": {"circuit_id": "c0", "node_id": "local-numpy-0", "provider": "local_numpy", "chosen": true, "reason": "", "estimate": {"$Estimate": {"seconds": {"$tuple": [0.00010004000000000001, 0.00090036]}, "memory_bytes": 96, "queue_seconds": null, "charges": {"$tuple": []}, "method": "statevector (numpy)", "exact": true, "sampling": "once", "cores": 1, "task_method": "automatic", "by_hand": ""}}}}]}, "policy": "fastest", "strategy": "whole", "warnings": {"$tuple": []}, "candidates": {"c0": {"$tuple": [{"$Candidate": {"node_id": "local-numpy-0", "provider": "local_numpy", "limits": {"$Limits": {"max_shots": null, "max_tasks": null, "max_in_flight": null, "host": "vm", "memory_bytes": 25276510208, "formats": {"$tuple": []}, "simulated": true, "paid": false, "seeded": true}}, "options": {}, "estimate": {"$Estimate": {"seconds": {"$tuple": [0.00010004000000000001, 0.00090036]}, "memory_bytes": 96, "queue_seconds": null, "charges": {"$tuple": []}, "method": "statevector (numpy)", "exact": true, "sampling": "once", "cores": 1, "task_method": "automatic", "by_hand": ""}}}}]}}, "deadline_s": null, "allow_mixed": false}}, "objects": {}}','{"schema": "qcos.cluster/1", "slots": [{"provider": "local_numpy", "kwargs": {}, "missing": []}], "reason": null}','{"fallback": "always", "single": true}',0,1,NULL,NULL);
INSERT INTO "jobs" VALUES('b4a6e7781c83','open job','[]',1.79555120730824136735e+09,'open',NULL,'{}','{"value": {"$ShardPlan": {"circuits": {"$tuple": [{"$PlannedCircuit": {"id": "c0", "name": "open job", "profile": {"$CircuitProfile": {"name": "coin", "num_qubits": 1, "active": {"$tuple": [0]}, "registers": {"$Registers": {"width": 1, "sizes": {"$tuple": [{"$tuple": ["meas", 1]}]}, "places": {"$tuple": []}}}, "operations": {"h": 1, "barrier": 1, "measure": 1}, "measured": true, "dynamic": false, "variables": false, "expressions": false, "unbound": {"$tuple": []}, "saves": {"$tuple": []}, "layout": null}}, "shots": 100, "seed": 8, "position": 0, "options": {}, "seed_given": true, "parameters": {"$tuple": []}, "points": {"rows": 1, "length": 0, "numbers": ""}, "shape": null}}]}, "shards": {"rows": [["local-numpy-0", "local_numpy", 0, true]], "estimates": [{"$Estimate": {"seconds": {"$tuple": [0.00010004000000000001, 0.00090036]}, "memory_bytes": 96, "queue_seconds": null, "charges": {"$tuple": []}, "method": "statevector (numpy)", "exact": true, "sampling": "once", "cores": 1, "task_method": "automatic", "by_hand": ""}}], "tasks": {"rows": [["c0.0", "c0", [[0, 100, 4292603424848851868]], "automatic", 0, 0]], "options": [{}], "parameters": {"rows": 1, "length": 0, "numbers": ""}}}, "decisions": {"$tuple": [{"$Decision": {"circuit_id": "c0", "node_id": "local-numpy-0", "provider": "local_numpy", "chosen": true, "reason": "", "estimate": {"$Estimate": {"seconds": {"$tuple": [0.00010004000000000001, 0.00090036]}, "memory_bytes": 96, "queue_seconds": null, "charges": {"$tuple": []}, "method": "statevector (numpy)", "exact": true, "sampling": "once", "cores": 1, "task_method": "automatic", "by_hand": ""}}}}]}, "policy": "fastest", "strategy": "whole", "warnings": {"$tuple": []}, "candidates": {"c0": {"$tuple": [{"$Candidate": {"node_id": "local-numpy-0", "provider": "local_numpy", "limits": {"$Limits": {"max_shots": null, "max_tasks": null, "max_in_flight": null, "host": "vm", "memory_bytes": 25276510208, "formats": {"$tuple": []}, "simulated": true, "paid": false, "seeded": true}}, "options": {}, "estimate": {"$Estimate": {"seconds": {"$tuple": [0.00010004000000000001, 0.00090036]}, "memory_bytes": 96, "queue_seconds": null, "charges": {"$tuple": []}, "method": "statevector (numpy)", "exact": true, "sampling": "once", "cores": 1, "task_method": "automatic", "by_hand": ""}}}}]}}, "deadline_s": null, "allow_mixed": false}}, "objects": {}}','{"schema": "qcos.cluster/1", "slots": [{"provider": "local_numpy", "kwargs": {}, "missing": []}], "reason": null}','{"fallback": "always", "single": false}',0,2,NULL,NULL);
CREATE TABLE objects (name TEXT PRIMARY KEY, content BLOB NOT NULL) STRICT;
CREATE TABLE open_tasks (
        job TEXT NOT NULL,
        task TEXT NOT NULL,
        key TEXT NOT NULL REFERENCES submissions,
        PRIMARY KEY (job, task)
    ) STRICT, WITHOUT ROWID
    ;
CREATE TABLE submissions (
        key TEXT PRIMARY KEY,
        job TEXT NOT NULL REFERENCES jobs,
        stage TEXT NOT NULL,
        document TEXT NOT NULL,
        handle TEXT,
        error TEXT,
        sends INTEGER NOT NULL,
        created REAL NOT NULL,
        sent REAL NOT NULL,
        changed REAL NOT NULL,
        decision TEXT
    ) STRICT
    ;
CREATE INDEX jobs_by_age ON jobs (created);
CREATE INDEX submissions_by_job ON submissions (job);
CREATE INDEX decided ON submissions (job) WHERE decision IS NOT NULL;
CREATE INDEX open_tasks_by_key ON open_tasks (key);
CREATE INDEX history_by_job ON history (job);
COMMIT;
