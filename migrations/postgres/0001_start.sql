-- One row per project. `seq` and `tree_seq` rise with commits; `revision` with everything else that members see.
-- Times are milliseconds since 1970. The log is kept after `log_start`; bodies up to `swept` and rows up to
-- `forgotten` have been erased. `gone`: nothing of the project may be seen or recovered any more.
-- No index holds `seq` or `updated_at`: commits stay heap-only updates, for which the free space is.
CREATE TABLE projects (
    id         uuid    PRIMARY KEY,
    title      text    NOT NULL,
    access     text    NOT NULL,
    theme      text,
    log        bigint  NOT NULL,
    seq        bigint  NOT NULL DEFAULT 0,
    tree_seq   bigint  NOT NULL DEFAULT 0,
    revision   bigint  NOT NULL DEFAULT 1,
    log_start  bigint  NOT NULL DEFAULT 0,
    swept      bigint  NOT NULL DEFAULT 0,
    forgotten  bigint  NOT NULL DEFAULT 0,
    created_at bigint  NOT NULL,
    updated_at bigint  NOT NULL,
    deleted_at bigint,
    gone       boolean NOT NULL DEFAULT false
) WITH (fillfactor = 50);

CREATE INDEX projects_shared ON projects (id) WHERE access <> 'none' AND deleted_at IS NULL;
CREATE INDEX projects_deleted ON projects (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX projects_to_sweep ON projects (id) WHERE swept < log_start;
CREATE INDEX projects_to_forget ON projects (id) WHERE forgotten < swept;

-- Living blocks, and graves: a block's name is never free again. Distinct positions among siblings are `tree_seq`'s
-- work; a unique index would see two blocks that change places in one commit as a clash.
CREATE TABLE blocks (
    project_id uuid    NOT NULL,
    id         uuid    NOT NULL,
    version    bigint  NOT NULL,
    deleted    boolean NOT NULL,
    parent     uuid,
    position   text    NOT NULL,
    kind       text    NOT NULL,
    content    text    NOT NULL,
    PRIMARY KEY (project_id, id)
) WITH (fillfactor = 80);

-- The log, and with it the records of edits: `user_id` and `answer` outlive `body`.
CREATE TABLE events (
    project_id uuid    NOT NULL,
    seq        bigint  NOT NULL,
    edit_id    uuid    NOT NULL,
    group_id   uuid,
    user_id    text    NOT NULL,
    at         bigint  NOT NULL,
    answer     text    NOT NULL,
    body       text    NOT NULL,
    PRIMARY KEY (project_id, seq)
);

CREATE UNIQUE INDEX events_edit ON events (project_id, edit_id);
CREATE INDEX events_group ON events (project_id, group_id, seq) WHERE group_id IS NOT NULL;

-- Which event made which version. `reach`: the version that a text change leans on, if others came between.
CREATE TABLE block_versions (
    project_id uuid   NOT NULL,
    block_id   uuid   NOT NULL,
    version    bigint NOT NULL,
    seq        bigint NOT NULL,
    reach      bigint,
    PRIMARY KEY (project_id, block_id, version)
);

CREATE INDEX block_versions_reach ON block_versions (project_id, seq) WHERE reach IS NOT NULL;

CREATE TABLE members (
    project_id uuid NOT NULL,
    user_id    text NOT NULL,
    role       text NOT NULL,
    PRIMARY KEY (project_id, user_id)
);

CREATE INDEX members_user ON members (user_id);

CREATE TABLE themes (
    id         text   PRIMARY KEY,
    owner      text   NOT NULL,
    body       text   NOT NULL,
    updated_at bigint NOT NULL
);
