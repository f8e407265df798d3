-- api/optional_tables.sql
-- Purpose  which tables exist that only Koku creates
-- Reads    the catalogue
-- Writes   nothing
-- Units    none
-- Params   none
-- Rerun    same catalogue, same result
select
    to_regclass('enabled_currency') is not null as enabled_currency,
    to_regclass('user_settings') is not null as user_settings,
    to_regclass('public.api_exchangeratedictionary') is not null as exchange_rates
