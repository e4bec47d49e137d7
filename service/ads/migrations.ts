import type { Migration } from 'plinth/database';

/**
 * The tables of this feature, in the order they came to be. References and unique keys hold the owner, too: nothing can
 * be put under what belongs to another one, and nobody learns from a duplicate what others have.
 */
export const adsMigrations: readonly Migration[] = [
  {
    name: '003-ads',
    up: `
      create table campaigns (
        id bigint generated always as identity primary key,
        user_id uuid not null references users (id),
        name text not null,
        status text not null check (status in ('active', 'paused', 'archived')),
        budget_micros bigint check (budget_micros >= 0),
        created_at timestamptz not null,
        updated_at timestamptz not null,
        version integer not null,
        unique (user_id, id),
        constraint campaigns_name_key unique (user_id, name)
      );
      create index campaigns_created_at_id on campaigns (user_id, created_at, id);

      create table ad_groups (
        id bigint generated always as identity primary key,
        user_id uuid not null,
        campaign_id bigint not null,
        name text not null,
        status text not null check (status in ('active', 'paused', 'archived')),
        created_at timestamptz not null,
        updated_at timestamptz not null,
        version integer not null,
        unique (user_id, id),
        constraint ad_groups_name_key unique (user_id, name, campaign_id),
        constraint ad_groups_campaign_id_fkey foreign key (user_id, campaign_id) references campaigns (user_id, id)
      );
      create index ad_groups_campaign_id on ad_groups (user_id, campaign_id, id);
      create index ad_groups_created_at_id on ad_groups (user_id, created_at, id);

      create table ads (
        id bigint generated always as identity primary key,
        user_id uuid not null,
        group_id bigint not null,
        headline text not null,
        landing_url text not null,
        status text not null check (status in ('active', 'paused', 'archived')),
        created_at timestamptz not null,
        updated_at timestamptz not null,
        version integer not null,
        unique (user_id, id),
        constraint ads_group_id_fkey foreign key (user_id, group_id) references ad_groups (user_id, id)
      );
      create index ads_group_id on ads (user_id, group_id, id);
      create index ads_headline_id on ads (user_id, headline, id);
      create index ads_created_at_id on ads (user_id, created_at, id);

      create table ad_performance (
        id bigint generated always as identity primary key,
        user_id uuid not null,
        ad_id bigint not null,
        hour timestamptz not null check (mod(extract(epoch from hour), 3600) = 0),
        impressions bigint not null check (impressions >= 0),
        clicks bigint not null check (clicks >= 0),
        conversions bigint not null check (conversions >= 0),
        cost_micros bigint not null check (cost_micros >= 0),
        constraint ad_performance_hour_key unique (user_id, ad_id, hour),
        constraint ad_performance_ad_id_fkey foreign key (user_id, ad_id) references ads (user_id, id)
      );
      create index ad_performance_user_hour on ad_performance (user_id, hour, id);

      create table optimizations (
        id bigint generated always as identity primary key,
        user_id uuid not null,
        campaign_id bigint not null,
        ad_id bigint,
        kind text not null check (kind in ('low-click-through', 'spend-without-conversion', 'budget-exhausted')),
        status text not null default 'open' check (status in ('open', 'accepted', 'dismissed')),
        facts jsonb not null,
        created_at timestamptz not null,
        decided_at timestamptz,
        check ((status = 'open') = (decided_at is null)),
        constraint optimizations_campaign_id_fkey
          foreign key (user_id, campaign_id) references campaigns (user_id, id) on delete cascade,
        constraint optimizations_ad_id_fkey foreign key (user_id, ad_id) references ads (user_id, id) on delete cascade
      );
      create unique index optimizations_open on optimizations (user_id, campaign_id, ad_id, kind) nulls not distinct
        where status = 'open';
      create index optimizations_created_at_id on optimizations (user_id, created_at, id);
      create index optimizations_campaign_id on optimizations (user_id, campaign_id);
      create index optimizations_ad_id on optimizations (user_id, ad_id)`,
    down: `
      drop table optimizations;
      drop table ad_performance;
      drop table ads;
      drop table ad_groups;
      drop table campaigns`,
  },
];
