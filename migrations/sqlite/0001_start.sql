-- One row per project. `seq` and `tree_seq` rise with commits; `revision` with everything else that members see.
-- Times are milliseconds since 1970. The log is kept after `log_start`; bodies up to `swept` and rows up to
-- `forgotten` have been erased. `gone`: nothing of the project may be seen or recovered any more.
CREATE TABLE projects (
    id         BLOB    NOT NULL PRIMARY KEY,
    title      TEXT    NOT NULL,
    access     TEXT    NOT NULL,
    theme      TEXT,
    log        INTEGER NOT NULL,
    seq        INTEGER NOT NULL DEFAULT 0,
    tree_seq   INTEGER NOT NULL DEFAULT 0,
    revision   INTEGER NOT NULL DEFAULT 1,
    log_start  INTEGER NOT NULL DEFAULT 0,
    swept      INTEGER NOT NULL DEFAULT 0,
    forgotten  INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    gone       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX projects_shared ON projects (id) WHERE access <> 'none' AND deleted_at IS NULL;
CREATE INDEX projects_deleted ON projects (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX projects_to_sweep ON projects (id) WHERE swept < log_start;
CREATE INDEX projects_to_forget ON projects (id) WHERE forgotten < swept;

-- Living blocks, and graves: a block's name is never free again. Distinct positions among siblings are `tree_seq`'s
-- work; a unique index would see two blocks that change places in one commit as a clash.
CREATE TABLE blocks (
    project_id BLOB    NOT NULL,
    id         BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    deleted    INTEGER NOT NULL,
    parent     BLOB,
    position   TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    content    TEXT    NOT NULL,
    PRIMARY KEY (project_id, id)
) STRICT;

-- The log, and with it the records of edits: `user_id` and `answer` outlive `body`.
CREATE TABLE events (
    project_id BLOB    NOT NULL,
    seq        INTEGER NOT NULL,
    edit_id    BLOB    NOT NULL,
    group_id   BLOB,
    user_id    TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    answer     TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (project_id, seq)
) STRICT;

CREATE UNIQUE INDEX events_edit ON events (project_id, edit_id);
CREATE INDEX events_group ON events (project_id, group_id, seq) WHERE group_id IS NOT NULL;

-- Which event made which version. `reach`: the version that a text change leans on, if others came between.
CREATE TABLE block_versions (
    project_id BLOB    NOT NULL,
    block_id   BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    reach      INTEGER,
    PRIMARY KEY (project_id, block_id, version)
) STRICT, WITHOUT ROWID;

CREATE INDEX block_versions_reach ON block_versions (project_id, seq) WHERE reach IS NOT NULL;

CREATE TABLE members (
    project_id BLOB NOT NULL,
    user_id    TEXT NOT NULL,
    role       TEXT NOT NULL,
    PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_user ON members (user_id);

CREATE TABLE themes (
    id         TEXT    NOT NULL PRIMARY KEY,
    owner      TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
