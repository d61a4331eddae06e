/** The metrics of others that the dashboard and the alerts read, by who exports them. Where one is not scraped, its panels are empty. */
export const EXTERNAL: Readonly<Record<string, readonly string[]>> = {
  'KEDA operator': [
    'keda_internal_scale_loop_latency_seconds',
    'keda_scaled_object_errors_total',
    'keda_scaled_object_paused',
    'keda_scaler_active',
    'keda_scaler_detail_errors_total',
    'keda_scaler_metrics_latency_seconds',
    'keda_scaler_metrics_value',
  ],
  'kube-state-metrics': [
    'kube_horizontalpodautoscaler_info',
    'kube_horizontalpodautoscaler_spec_max_replicas',
    'kube_horizontalpodautoscaler_status_current_replicas',
    'kube_horizontalpodautoscaler_status_desired_replicas',
    'kube_pod_container_resource_limits',
    'kube_pod_container_status_last_terminated_reason',
    'kube_pod_container_status_restarts_total',
  ],
  cAdvisor: ['container_cpu_cfs_periods_total', 'container_cpu_cfs_throttled_periods_total'],
  Prometheus: ['ALERTS'],
}
