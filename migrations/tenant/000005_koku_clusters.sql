-- Up Migration
-- Clusters and what was seen in them: nodes, projects (namespaces), persistent volume claims. Rows are never expired by age.

create table if not exists reporting_ocp_clusters (
    uuid uuid not null,
    cluster_id text not null,
    cluster_alias text,
    provider_id uuid not null,
    constraint reporting_ocp_clusters_pkey primary key (uuid),
    constraint reporting_ocp_clusters_cluster_id_cluster_alias_provider_id_key unique (cluster_id, cluster_alias, provider_id),
    constraint reporting_ocp_cluste_provider_id_ef184970_fk_reporting
        foreign key (provider_id)
        references reporting_tenant_api_provider (uuid) deferrable initially deferred
);

create table if not exists reporting_ocp_nodes (
    uuid uuid not null,
    node text not null,
    resource_id text,
    node_capacity_cpu_cores numeric(18,2),
    node_role text,
    cluster_id uuid not null,
    architecture text,
    constraint reporting_ocp_nodes_pkey primary key (uuid),
    constraint reporting_ocp_nodes_cluster_id_fbf78679_fk_reporting
        foreign key (cluster_id)
        references reporting_ocp_clusters (uuid) deferrable initially deferred
);

create table if not exists reporting_ocp_projects (
    uuid uuid not null,
    project text not null,
    cluster_id uuid not null,
    constraint reporting_ocp_projects_pkey primary key (uuid),
    constraint reporting_ocp_projects_project_cluster_id_key unique (project, cluster_id),
    constraint reporting_ocp_projec_cluster_id_318d7969_fk_reporting
        foreign key (cluster_id)
        references reporting_ocp_clusters (uuid) deferrable initially deferred
);

create table if not exists reporting_ocp_pvcs (
    uuid uuid not null,
    persistent_volume_claim text not null,
    persistent_volume text not null,
    cluster_id uuid not null,
    csi_volume_handle text,
    constraint reporting_ocp_pvcs_pkey primary key (uuid),
    constraint reporting_ocp_pvcs_persistent_volume_persistent_volume_clai_key unique (persistent_volume, persistent_volume_claim, cluster_id),
    constraint reporting_ocp_pvcs_cluster_id_c6f60f16_fk_reporting
        foreign key (cluster_id)
        references reporting_ocp_clusters (uuid) deferrable initially deferred
);
