use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use prost::bytes::{Buf, BufMut};
use prost::encoding::{self, DecodeContext, WireType};
use prost::{DecodeError, Message};
use tls_hyper::http::uri::PathAndQuery;
use tls_hyper::http::{Request as HttpRequest, Response as HttpResponse};
use tls_hyper::tower_service::Service;
use tonic::body::Body;
use tonic::client::Grpc as ClientGrpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::server::{Grpc as ServerGrpc, NamedService, StreamingService, UnaryService};
use tonic::transport::Channel;
use tonic::{Request, Response, Status, Streaming};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct HelloRequest {
    pub name: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct HelloReply {
    pub message: String,
    pub payload: Vec<u8>,
}

impl Message for HelloRequest {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        encoding::string::encode(1, &self.name, buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => encoding::string::merge(wire_type, &mut self.name, buf, ctx),
            _ => encoding::skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        encoding::string::encoded_len(1, &self.name)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Message for HelloReply {
    fn encode_raw(&self, buf: &mut impl BufMut) {
        encoding::string::encode(1, &self.message, buf);
        encoding::bytes::encode(2, &self.payload, buf);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buf: &mut impl Buf,
        ctx: DecodeContext,
    ) -> Result<(), DecodeError> {
        match tag {
            1 => encoding::string::merge(wire_type, &mut self.message, buf, ctx),
            2 => encoding::bytes::merge(wire_type, &mut self.payload, buf, ctx),
            _ => encoding::skip_field(wire_type, tag, buf, ctx),
        }
    }

    fn encoded_len(&self) -> usize {
        encoding::string::encoded_len(1, &self.message)
            + encoding::bytes::encoded_len(2, &self.payload)
    }

    fn clear(&mut self) {
        *self = Self::default();
    }
}

pub struct GreeterClient {
    inner: ClientGrpc<Channel>,
}

impl GreeterClient {
    pub fn new(channel: Channel) -> Self {
        Self { inner: ClientGrpc::new(channel) }
    }

    pub async fn greet(&mut self, request: HelloRequest) -> Result<Response<HelloReply>, Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static("/hello.Greeter/Greet");
        self.inner.unary(Request::new(request), path, Protobuf::default()).await
    }

    pub async fn chat(
        &mut self,
        requests: impl Stream<Item = HelloRequest> + Send + 'static,
    ) -> Result<Response<Streaming<HelloReply>>, Status> {
        self.ready().await?;
        let path = PathAndQuery::from_static("/hello.Greeter/Chat");
        self.inner.streaming(Request::new(requests), path, Protobuf::default()).await
    }

    async fn ready(&mut self) -> Result<(), Status> {
        self.inner.ready().await.map_err(|e| Status::from_error(Box::new(e)))
    }
}

pub type Replies = Pin<Box<dyn Stream<Item = Result<HelloReply, Status>> + Send>>;

#[tonic::async_trait]
pub trait Greeter: Send + Sync + 'static {
    async fn greet(&self, request: Request<HelloRequest>) -> Result<Response<HelloReply>, Status>;

    async fn chat(
        &self,
        request: Request<Streaming<HelloRequest>>,
    ) -> Result<Response<Replies>, Status>;
}

pub struct GreeterServer<T>(Arc<T>);

impl<T> GreeterServer<T> {
    pub fn new(greeter: T) -> Self {
        Self(Arc::new(greeter))
    }
}

impl<T> Clone for GreeterServer<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> NamedService for GreeterServer<T> {
    const NAME: &'static str = "hello.Greeter";
}

type Answer<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<T: Greeter> Service<HttpRequest<Body>> for GreeterServer<T> {
    type Response = HttpResponse<Body>;
    type Error = Infallible;
    type Future = Answer<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest<Body>) -> Self::Future {
        let greeter = self.0.clone();
        Box::pin(async move {
            let mut grpc = ServerGrpc::new(Protobuf::default());
            Ok(match request.uri().path() {
                "/hello.Greeter/Greet" => grpc.unary(Greet(greeter), request).await,
                "/hello.Greeter/Chat" => grpc.streaming(Chat(greeter), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

struct Greet<T>(Arc<T>);

impl<T: Greeter> UnaryService<HelloRequest> for Greet<T> {
    type Response = HelloReply;
    type Future = Answer<Response<HelloReply>, Status>;

    fn call(&mut self, request: Request<HelloRequest>) -> Self::Future {
        let greeter = self.0.clone();
        Box::pin(async move { greeter.greet(request).await })
    }
}

struct Chat<T>(Arc<T>);

impl<T: Greeter> StreamingService<HelloRequest> for Chat<T> {
    type Response = HelloReply;
    type ResponseStream = Replies;
    type Future = Answer<Response<Replies>, Status>;

    fn call(&mut self, request: Request<Streaming<HelloRequest>>) -> Self::Future {
        let greeter = self.0.clone();
        Box::pin(async move { greeter.chat(request).await })
    }
}

/// How messages are written, and read.
struct Protobuf<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Protobuf<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

struct Writer<T>(PhantomData<T>);

struct Reader<U>(PhantomData<U>);

impl<T, U> Codec for Protobuf<T, U>
where
    T: Message + 'static,
    U: Message + Default + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = Writer<T>;
    type Decoder = Reader<U>;

    fn encoder(&mut self) -> Writer<T> {
        Writer(PhantomData)
    }

    fn decoder(&mut self) -> Reader<U> {
        Reader(PhantomData)
    }
}

impl<T: Message> Encoder for Writer<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buf: &mut EncodeBuf<'_>) -> Result<(), Status> {
        message.encode(buf).map_err(|e| Status::internal(e.to_string()))
    }
}

impl<U: Message + Default> Decoder for Reader<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(buf).map(Some).map_err(|e| Status::internal(e.to_string()))
    }
}
