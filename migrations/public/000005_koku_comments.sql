-- Up Migration
-- Meaning of the tables whose names and columns are Koku's; only where this program created them.

do $$
declare
    entry record;
begin
    for entry in
        select c.oid::regclass as name, d.meaning
        from (
            values
                ('api_customer', 'Organisations; each has one tenant schema.'),
                ('api_tenant', 'Tenant schemas.'),
                ('api_provider', 'Sources: one row per registered cluster. The name is the cluster alias of all reports.'),
                ('api_providerauthentication', 'Credentials; of a cluster exactly {"cluster_id": …}, which manifests are matched by.'),
                ('api_providerbillingsource', 'Billing source of a provider; empty for clusters.'),
                ('api_providerinfrastructuremap', 'Cloud provider that a cluster runs on.'),
                ('api_sources', 'Registration of sources from outside; not written by this program.'),
                ('reporting_common_costusagereportmanifest', 'One row per manifest (payload set) of a provider.'),
                ('reporting_common_costusagereportstatus', 'One row per file that a manifest lists.')
        ) as d (table_name, meaning)
        join pg_class c on c.relname = d.table_name and c.relnamespace = (select oid from pg_namespace where nspname = current_schema())
        where not exists (select from ocp_adopted_table a where a.name = d.table_name)
    loop
        execute format('comment on table %s is %L', entry.name, entry.meaning);
    end loop;

    for entry in
        select c.oid::regclass as name, d.column_name, d.meaning
        from (
            values
                ('api_customer', 'org_id', 'Organisation id.'),
                ('api_customer', 'schema_name', 'Tenant schema, org<org_id>.'),
                ('api_provider', 'uuid', 'Source id: source_uuid, source and provider_id elsewhere.'),
                ('api_provider', 'type', 'OCP for clusters.'),
                ('api_provider', 'setup_complete', 'True once a first file was processed.'),
                ('api_provider', 'data_updated_timestamp', 'End of the last run that changed the summaries.'),
                ('reporting_common_costusagereportmanifest', 'assembly_id', 'UUID that the operator gave the payload set.'),
                ('reporting_common_costusagereportmanifest', 'billing_period_start_datetime', 'First of the month of the manifest''s start, else of its date, UTC.'),
                ('reporting_common_costusagereportmanifest', 'num_total_files', 'Number of usage files the manifest lists.'),
                ('reporting_common_costusagereportmanifest', 'operator_daily_reports', 'True: files hold each day from 00:00 on, so newer data replaces older.'),
                ('reporting_common_costusagereportmanifest', 'operator_airgapped', 'True when the operator does not upload by itself.'),
                ('reporting_common_costusagereportmanifest', 'operator_errors', 'Errors the operator reported, by step; NULL when none.'),
                ('reporting_common_costusagereportmanifest', 'export_datetime', 'Creation time stated by the manifest.'),
                ('reporting_common_costusagereportmanifest', 'completed_datetime', 'End of the run''s last step.'),
                ('reporting_common_costusagereportmanifest', 'state', 'Start, end, failure and duration (seconds) of download, processing and summary.'),
                ('reporting_common_costusagereportstatus', 'report_name', 'File name as listed.'),
                ('reporting_common_costusagereportstatus', 'status', '1 done, 2 failed, 3 downloading, 4 processing, 5 cloud processing.'),
                ('reporting_common_costusagereportstatus', 'failed_status', 'Status in which the file failed.')
        ) as d (table_name, column_name, meaning)
        join pg_class c on c.relname = d.table_name and c.relnamespace = (select oid from pg_namespace where nspname = current_schema())
        where not exists (select from ocp_adopted_table a where a.name = d.table_name)
    loop
        execute format('comment on column %s.%I is %L', entry.name, entry.column_name, entry.meaning);
    end loop;
end
$$;
