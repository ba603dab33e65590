//! Whether the kernel may have the records, and whether it has them.

use polytls::Capability;

use crate::support::{Certificates, Serving, can, for_each_backend, polytls, with_input};

#[test]
fn the_facts_tell_whose_the_records_are() {
    let files = Certificates::with_server();
    let facts = files.path("facts.json");
    for_each_backend(|backend| {
        let server = files.echo(backend, &[]);
        for ktls in ["off", "auto"] {
            let args = ["--servername", "localhost", "--facts", &facts, "--ktls", ktls];
            let run = with_input(files.connect(server.address, backend, &args), b"said").expect(0);
            assert_eq!(run.text(), "said");
            let told = files.facts("facts.json")["ktls"].clone();
            let has_kernel = tls_kernel::support().is_ok();
            assert_eq!(told["kernel"].is_object(), has_kernel, "{told}");
            let is_kernels = ktls == "auto" && has_kernel && can(backend, Capability::KernelTls);
            let path = if is_kernels { "kernel" } else { "user-space" };
            assert_eq!(told["path"], path, "{backend} --ktls {ktls}: {told}");
            assert_eq!(told["refused"].is_null(), is_kernels, "{told}");
            let line =
                format!("  records     {}", if is_kernels { "kernel" } else { "user space (" });
            assert!(run.stderr.lines().any(|it| it.starts_with(&line)), "{}", run.stderr);
        }
    });
}

#[test]
fn what_cannot_be_is_refused_by_its_name() {
    let files = Certificates::with_server();
    let (identity, www) = (files.identity("server"), files.path("."));
    for_each_backend(|backend| {
        let args = ["--backend", backend, "--www", &www, "--ktls", "on"];
        let args = identity.iter().map(String::as_str).chain(args);
        let client = ["connect", "127.0.0.1:1", "--backend", backend, "--ktls", "on"];
        if tls_kernel::support().is_ok() && can(backend, Capability::KernelTls) {
            Serving::start(args).terminate().expect(0);
            polytls(client).expect(1); // nobody listens there
            return;
        }
        for run in [polytls(["serve", "127.0.0.1:0"].into_iter().chain(args)), polytls(client)] {
            let run = run.expect(2);
            assert!(run.has_error("unsupported(kernel-tls)"), "{backend}: {}", run.stderr);
        }
    });
}
