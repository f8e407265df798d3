-- Up Migration
-- What each day said about a node: its row in reporting_ocp_nodes is made of many days, which come in any order.

create table if not exists ocp_node_day (
    source_uuid uuid not null,
    node text not null,
    resource_id text not null,
    cores numeric(18,2) not null,
    usage_day date not null,
    node_role text,
    architecture text,
    primary key (source_uuid, node, resource_id, cores, usage_day)
);
create index if not exists ocp_node_day_source_day_idx on ocp_node_day (source_uuid, usage_day);
comment on table ocp_node_day is 'Role and architecture that a day''s reports give a node; the latest day that gives one decides in reporting_ocp_nodes. Of expired days the last answer stays.';
comment on column ocp_node_day.source_uuid is 'Provider.';
comment on column ocp_node_day.node is 'Node.';
comment on column ocp_node_day.resource_id is 'Cloud instance id; blank when there is none.';
comment on column ocp_node_day.cores is 'Greatest number of cores on that day.';
comment on column ocp_node_day.usage_day is 'UTC day; -infinity: what reporting_ocp_nodes said before any day of ours.';
comment on column ocp_node_day.node_role is 'Role as sent, else master or infra as the day''s rows and labels tell; NULL when they do not.';
comment on column ocp_node_day.architecture is 'Architecture by the node''s labels; NULL when they do not tell.';
